# A draft for spack-packages; what stands in capitals is filled in at a release.
# SPDX-License-Identifier: (Apache-2.0 OR MIT)

from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyFsopt(PythonPackage):
    """Hyperparameter optimization that needs nothing but a directory on a shared filesystem."""

    homepage = "HOMEPAGE"
    pypi = "fsopt/fsopt-0.1.0.tar.gz"

    maintainers("MAINTAINER")

    license("Apache-2.0", checked_by="MAINTAINER")

    version("0.1.0", sha256="SHA256_OF_THE_SOURCE_ARCHIVE")

    variant("mpi", default=False, description="Evaluate on the ranks of MPI jobs")
    variant("plot", default=False, description="Figures as PNG, SVG and PDF")
    variant("dask", default=False, description="Evaluate on the workers of Dask")
    variant("optuna", default=False, description="Exchange studies with Optuna")
    variant("watch", default=False, description="Wake up when another process writes")

    depends_on("python@3.11:", type=("build", "run"))
    depends_on("py-hatchling@1.26:", type="build")

    with default_args(type="run"):
        depends_on("py-click@8.1:")
        depends_on("py-moocore@0.3:")
        depends_on("py-numpy@2.0:")
        depends_on("py-orjson@3.9:")
        depends_on("py-pandas@2.2.2:")
        depends_on("py-psutil@5.9:")
        depends_on("py-pyarrow@17:")
        depends_on("py-rich@13.7:")
        depends_on("py-scikit-learn@1.6:")
        depends_on("py-scipy@1.13:")
        depends_on("py-threadpoolctl@3.1:")
        depends_on("py-mpi4py@4.0:", when="+mpi")
        depends_on("py-matplotlib@3.8:", when="+plot")
        depends_on("py-distributed@2024.5:", when="+dask")
        depends_on("py-dask-jobqueue@0.8.5:", when="+dask")
        depends_on("py-optuna@4.0:", when="+optuna")
        depends_on("py-watchdog@4:", when="+watch")

    skip_modules = ["fsopt.interop"]  # what it exchanges with must be installed

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_a_study(self):
        """Run a small study with what was installed."""
        with working_dir("spack-test", create=True):
            fsopt = Executable(self.prefix.bin.fsopt)
            example = join_path(self.stage.source_path, "examples", "quickstart.py")
            fsopt("run", example, "--study", "first", "--trials", "10")
            fsopt("verify", "first")
