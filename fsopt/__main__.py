"""``python -m fsopt`` is the command ``fsopt``."""

from fsopt.cli.main import main

if __name__ == "__main__":
    main(prog_name="fsopt")
