"""In threads, after a fork, and as a command."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import weave_py
from lab import Host


def peers(number: int) -> str:
    """Fail in a way that tells who it was."""
    try:
        weave_py.connect(f"bad/{number}")
    except weave_py.InvalidSpecError as error:
        return error.message.split("`")[1]
    return "nothing was wrong"


def test_children_of_a_process_that_used_it_use_it_too() -> None:
    assert peers(0) == "bad/0"
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(peers, range(20))) == [f"bad/{number}" for number in range(20)]


def test_many_threads_use_it_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(peers, range(40))) == [f"bad/{number}" for number in range(40)]


def test_a_forked_child_changes_the_host(host: Host) -> None:
    code = """
        import multiprocessing, weave_py
        weave_py.launch()
        def child(number):
            return weave_py.connect(f"192.0.2.{number}")["changed"]
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(4) as pool:
                print(pool.map(child, range(10, 18)))
    """
    done = host.run(sys.executable, "-c", textwrap.dedent(code))
    assert done.stdout.strip() == str([True] * 8), done.stderr
    assert len(host.call("status")["state"]["peers"]) == 8


def test_others_run_while_it_works(host: Host) -> None:
    # The lock is held by a thread of the same interpreter: it can only let go of it while the call lets it run.
    code = """
        import fcntl, os, threading, time, weave_py
        os.makedirs(os.environ["WEAVE_RUN_DIR"], exist_ok=True)
        held = open(os.path.join(os.environ["WEAVE_RUN_DIR"], "lock"), "a")
        fcntl.flock(held, fcntl.LOCK_EX)
        def let_go():
            time.sleep(0.3)
            held.close()
        threading.Thread(target=let_go).start()
        print(weave_py.launch()["changed"])
    """
    done = host.run(sys.executable, "-c", textwrap.dedent(code), env={"WEAVE_LOCK_TIMEOUT": "20"})
    assert done.stdout.strip() == "True", done.stderr


def test_who_holds_the_lock_for_too_long_is_named(host: Host) -> None:
    host.call("launch")
    with (host.run_dir / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = host.run(
            sys.executable,
            "-c",
            "import weave_py\ntry: weave_py.stop()\nexcept weave_py.TimeoutExpiredError as error: print(error.hint)",
            env={"WEAVE_LOCK_TIMEOUT": "0.1"},
        )
    assert "WEAVE_LOCK_TIMEOUT" in done.stdout, done.stderr


def test_the_module_is_the_command(host: Host) -> None:
    web = host.container("web")
    command = [sys.executable, "-m", "weave_py"]
    assert host.run(*command, "launch", "192.0.2.2").returncode == 0
    done = host.run(*command, "--detailed-exitcodes", "attach", "10.2.1.4/24", web.target)
    assert (done.returncode, done.stdout) == (2, "10.2.1.4\n"), done.stderr
    assert "containers." in done.stderr
    report = json.loads(host.run(*command, "--json", "attach", "10.2.1.4/24", web.target).stdout)
    assert report["changed"] is False
    wrong = host.run(*command, "atach", "10.2.1.4/24", web.target)
    assert wrong.returncode == 1
    assert "attach" in wrong.stderr
