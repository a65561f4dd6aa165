"""The runner: a function's code in this process as if in a container of its own."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import sys
import textwrap
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import jmespath
import pytest

from simulator.agenda import Agenda
from simulator.identity import Credentials
from simulator.lambda_runner import ArchiveError, Container, Context, Outcome, Runner

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:worker"
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CREDENTIALS = Credentials("ASIAEXAMPLE", "secret", "token", NOW + timedelta(hours=1))


class MovedClock:
    """A clock that only moves when it is told."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    def forward(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


@pytest.fixture
def runner() -> Iterator[Runner]:
    made = Runner(Agenda(MovedClock()))
    yield made
    made.close()


def archive(**files: str | bytes) -> bytes:
    """Zip modules of a package `code`, named without their ending."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, text in files.items():
            data = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
            zipped.writestr(name if "/" in name else f"{name}.py", data)
    return out.getvalue()


def start(runner: Runner, code: bytes, handler: str = "work.handler", **variables: str) -> Container:
    return runner.start(code, hashlib.sha256(code).hexdigest(), handler, variables, CREDENTIALS, ARN)


def run(
    runner: Runner, container: Container, event: Any = None, handler: str = "work.handler", limit: float = 3
) -> Outcome:
    agenda = runner._agenda
    context = Context(
        "worker", ARN, "128", "request-1", "group", "stream", agenda, agenda.now() + timedelta(seconds=limit)
    )
    return runner.run(container, handler, event, context)


def ran(runner: Runner, body: str, event: Any = None, **more: Any) -> Outcome:
    return run(runner, start(runner, archive(work=body)), event, **more)


def test_the_answer_and_what_was_printed_come_back(runner: Runner) -> None:
    outcome = ran(
        runner,
        """
        import sys
        def handler(event, context):
            print("out", context.aws_request_id)
            print("err", file=sys.stderr)
            return {"given": event, "left": context.get_remaining_time_in_millis()}
        """,
        {"a": (1, 2)},
    )
    assert outcome == Outcome({"given": {"a": [1, 2]}, "left": 3000}, False, ("out request-1", "err"))


def test_a_warm_function_keeps_its_modules_and_no_other_function_sees_them(runner: Runner) -> None:
    body = """
        count = 0
        def handler(event, context):
            global count
            count += 1
            return count
        """
    first, second = (start(runner, archive(work=body, other=text)) for text in ("A = 1", "A = 2"))
    assert [run(runner, first).payload, run(runner, first).payload, run(runner, second).payload] == [1, 2, 1]
    assert "work" not in sys.modules


def test_modules_of_this_process_with_the_same_name_stay_as_they_are(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = type(sys)("work")
    ours.__spec__ = ModuleSpec("work", None)
    monkeypatch.setitem(sys.modules, "work", ours)
    assert ran(runner, "def handler(event, context): return __file__").payload.endswith("work.py")
    assert sys.modules["work"] is ours


def test_the_environment_is_the_function_s_and_the_process_has_its_own_back(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-whoever-runs-this")
    code = archive(work="import os\ndef handler(event, context): return dict(os.environ)")
    seen = run(runner, start(runner, code, TABLE="t")).payload
    assert (seen["TABLE"], seen["AWS_REGION"], seen["AWS_SESSION_TOKEN"]) == ("t", "eu-west-1", "token")
    assert "AWS_PROFILE" not in seen
    import os

    assert os.environ["AWS_PROFILE"] == "of-whoever-runs-this"
    assert "TABLE" not in os.environ


def test_loggers_are_the_function_s_own(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    body = """
        import logging
        def handler(event, context):
            log = logging.getLogger("shared")
            log.setLevel(logging.INFO)
            log.info("from the function")
            logging.getLogger().warning("from its root")
        """
    assert ran(runner, body).lines == ("from the function", "from its root")
    assert logging.getLogger("shared").level == logging.NOTSET
    assert not caplog.records


def test_an_exception_is_an_answer_with_its_type_and_a_trace_in_the_log(runner: Runner) -> None:
    outcome = ran(runner, "def handler(event, context): raise ValueError('no such thing')")
    assert outcome.failed
    assert (outcome.payload["errorType"], outcome.payload["errorMessage"]) == ("ValueError", "no such thing")
    assert outcome.lines[0] == "[ERROR] ValueError: no such thing"
    assert any("work.py" in line for line in outcome.payload["stackTrace"])


def test_sleep_passes_in_simulated_time(runner: Runner) -> None:
    began = time.monotonic()
    outcome = ran(runner, "import time\ndef handler(event, context): time.sleep(200)", limit=900)
    assert not outcome.failed
    assert runner._agenda.now() - NOW == timedelta(seconds=200)
    assert time.monotonic() - began < 20


def test_a_function_that_outlives_its_time_is_ended_and_starts_anew(runner: Runner) -> None:
    body = """
        import time
        count = 0
        def handler(event, context):
            global count
            count += 1
            try:
                if event == "sleep":
                    time.sleep(10)
            except Exception:
                pass
            return count
        """
    container = start(runner, archive(work=body))
    assert run(runner, container).payload == 1
    outcome = run(runner, container, "sleep")
    assert outcome.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: request-1 Error: Task timed out after 3.00 seconds",
    }
    assert run(runner, container).payload == 1


def test_a_function_that_exits_is_an_error_of_the_runtime(runner: Runner) -> None:
    outcome = ran(runner, "import sys\ndef handler(event, context): sys.exit(4)")
    assert outcome.failed
    assert outcome.payload["errorType"] == "Runtime.ExitError"
    assert "exit status 4" in outcome.payload["errorMessage"]


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        pytest.param("handler", "Runtime.MalformedHandlerName", id="no module"),
        pytest.param("absent.handler", "Runtime.ImportModuleError", id="no such module"),
        pytest.param("work.absent", "Runtime.HandlerNotFound", id="no such function"),
        pytest.param("work.unwritable", "Runtime.MarshalError", id="an answer that is no JSON"),
    ],
)
def test_what_the_runtime_cannot_run_is_named(runner: Runner, handler: str, kind: str) -> None:
    outcome = ran(runner, "def unwritable(event, context): return {1, 2}", handler=handler)
    assert outcome.failed
    assert outcome.payload["errorType"] == kind


def test_third_party_files_must_be_this_process_s(runner: Runner) -> None:
    there = Path(str(jmespath.__file__))
    same = archive(
        **{"jmespath/__init__.py": there.read_bytes()},
        work="import jmespath\ndef handler(e, c): return jmespath.__file__",
    )
    assert run(runner, start(runner, same)).payload == str(there)
    other = archive(**{"jmespath/__init__.py": "changed = True"}, work="def handler(e, c): return 1")
    with pytest.raises(ArchiveError, match=r"jmespath/__init__\.py"):
        start(runner, other)


def test_other_threads_print_and_sleep_as_before_while_a_function_runs(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, done = threading.Event(), threading.Event()
    slept: list[float] = []

    def other() -> None:
        begun.wait(5)
        before = time.monotonic()
        time.sleep(0.05)
        slept.append(time.monotonic() - before)
        print("of another thread")
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    globals()["_events"] = (begun, done)
    outcome = ran(
        runner,
        """
        import sys
        def handler(event, context):
            begun, done = sys.modules[event["module"]]._events
            begun.set()
            done.wait(5)
            print("of the function")
        """,
        {"module": __name__},
    )
    thread.join()
    assert slept[0] >= 0.05
    assert outcome.lines == ("of the function",)
    assert "of another thread" in capsys.readouterr().out


def test_other_threads_import_while_a_function_is_put_in_its_place(runner: Runner) -> None:
    done, names = threading.Event(), [f"imported_by_another_thread_{number}" for number in range(50)]

    def other() -> None:
        while not done.is_set():
            sys.modules.update(dict.fromkeys(names, sys))
            for name in names:
                del sys.modules[name]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=other)
    thread.start()
    try:
        container = start(runner, archive(work="def handler(event, context): return 1"))
        assert {run(runner, container).payload for _ in range(20)} == {1}
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(before)


def test_the_default_session_of_boto3_is_the_function_s_own(runner: Runner) -> None:
    import boto3

    body = """
        import boto3
        def handler(event, context):
            credentials = boto3.client("sts")._get_credentials()
            return [credentials.access_key, boto3.DEFAULT_SESSION.region_name]
        """
    before = boto3.DEFAULT_SESSION
    outcome = ran(runner, body)
    assert outcome.payload == ["ASIAEXAMPLE", "eu-west-1"], json.dumps(outcome.payload)
    assert boto3.DEFAULT_SESSION is before
