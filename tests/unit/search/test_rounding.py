"""Linear algebra uses one thread while a proposal is made, and as many as before afterwards."""

from threadpoolctl import threadpool_info, threadpool_limits

from fsopt.search.rounding import one_thread


def threads() -> set[int]:
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


def test_one_thread_is_used_for_a_while() -> None:
    with one_thread():
        pass
    with threadpool_limits(limits=2, user_api="blas"):
        with one_thread():
            assert threads() == {1}
        assert threads() == {2}
