"""Standard streams that are closed, full, or that nobody reads: no command ends because of them."""

import io
import os
import shlex
import subprocess
import sys
import threading

import pytest

from pdarts_tf.streams import OutputError, Stream, end_line, show
from tests.source_tree import ROOT

DESCRIBE = "-m pdarts_tf.describe --genotype=PDARTS"
WRONG = "-m pdarts_tf.describe --genotype=nothing"
FULL = "standard output cannot be written (No space left on device)"


@pytest.fixture
def pipe():
    """The descriptors of a pipe, for reading and for writing."""
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            assert descriptor == reader  # closed by the test


def text_stream(descriptor):
    return io.TextIOWrapper(io.BufferedWriter(Stream(descriptor)), "utf-8", write_through=True)


@pytest.fixture
def full():
    """A text stream to a device that is full."""
    with open("/dev/full", "wb") as file:
        yield text_stream(file.fileno())


def test_a_stream_writes_what_it_is_given(pipe):
    reader, writer = pipe
    text_stream(writer).write("line\n")
    assert os.read(reader, 100) == b"line\n"


def test_what_nobody_reads_is_dropped_without_a_word(pipe):
    reader, writer = pipe
    os.close(reader)
    stream = text_stream(writer)
    print("line", file=stream, flush=True)
    assert stream.buffer.raw.failure is None


def test_what_does_not_fit_is_dropped_and_remembered(full):
    print("line", file=full, flush=True)
    assert full.buffer.raw.failure.strerror == "No space left on device"


def test_a_full_pipe_that_does_not_block_is_waited_for(pipe):
    reader, writer = pipe
    os.set_blocking(writer, False)
    text, read = "x" * 2**20, bytearray()

    def read_all():
        while len(read) < len(text):
            read.extend(os.read(reader, 2**16))

    thread = threading.Thread(target=read_all)
    thread.start()
    text_stream(writer).write(text)
    thread.join(60)
    assert len(read) == len(text)


def test_showing_what_a_command_is_for_fails_if_it_cannot_be_written(full, monkeypatch):
    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(OutputError, match=r"written \(No space left on device\); print to"):
        show("line")


# Whole commands, through a shell.


def shell(command, **variables):
    """Runs a command line whose words "-m …" become those of Python."""
    line = command.replace("-m ", f"{shlex.quote(sys.executable)} -m ")
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        (f"{DESCRIBE} | head -1", 0, ""),
        (f"{DESCRIBE} >&-", 0, ""),
        (f"{DESCRIBE} 2>&-", 0, ""),
        (f"{DESCRIBE} >&- 2>&- <&-", 0, ""),
        (f"{DESCRIBE} >/dev/full", 1, f"error: {FULL}"),
        (f"{WRONG} 2>/dev/full", 2, ""),
        (f"{WRONG} 2>&-", 2, ""),
        (f"{WRONG} 2>&1 >&- | cat", 2, ""),
    ],
)
def test_commands_end_as_they_should_whoever_listens(command, code, error):
    done = shell(command)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(error)
    assert done.stderr.count("\n") == (1 if error else 0)


def test_characters_that_the_terminal_does_not_have_become_escapes():
    done = shell("-m pdarts_tf.describe --genotype=RÖM 2>&1 >/dev/full", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert "R\\xd6M" in done.stdout


SEARCH = (
    "-m tests.one_layer --layers=3 --candidates=8 --skip_dropout_rates=0 --add_channels=0 "
    "--init_channels=2 --epochs=2 --warmup_epochs=1 --max_steps_per_epoch=2 --batch_size=8"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirections", "warned"),
    [("| true", False), (">&- 2>&-", False), (">/dev/full", True), ("2>/dev/full", False)],
)
def test_a_search_goes_on_without_printing(tmp_path, redirections, warned):
    done = shell(f"{SEARCH} --output_dir={tmp_path / 'run'} {redirections}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "genotype.json").is_file()
    assert "epoch 2/2" in (tmp_path / "run" / "run.log").read_text("utf-8")
    told = "warning: standard output could not be written (No space left on device)"
    own = [line for line in done.stderr.splitlines() if line.startswith(("w", "e", "Trace"))]
    assert [line.split(";")[0] for line in own] == [told] * warned


def test_a_line_that_was_begun_is_ended_once(pipe, monkeypatch):
    reader, writer = pipe
    monkeypatch.setattr("sys.stdout", text_stream(writer))
    print("bar", end="")
    end_line()
    end_line()
    assert os.read(reader, 100) == b"bar\n"
