"""Flagfiles become words of the command line, whatever their encoding; others are one line."""

import os
import threading

import pytest

from flags.flagfiles import MAX_SIZE, FlagfileError, expanded

TEXT = "--epochs=3\n\n# a comment\n// another\n  --seed=4  \n"
WORDS = ["--epochs=3", "--seed=4"]


@pytest.fixture
def write(tmp_path):
    """Writes a flagfile; returns its path."""

    def write(content, name="my.flags"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_flags_are_read_in_the_encodings_of_editors(write, encoding, end):
    path = write(TEXT.replace("\n", end).encode(encoding))
    assert expanded([f"--flagfile={path}"]) == WORDS


@pytest.mark.parametrize("dashes", ["-", "--"])
def test_flags_stand_where_the_file_was_named(write, dashes):
    path = write(TEXT)
    for named in ([f"{dashes}flagfile={path}"], [f"{dashes}flagfile", path]):
        assert expanded(["--a", *named, "--b"]) == ["--a", *WORDS, "--b"]


def test_a_flagfile_may_name_others(write):
    inner = write(TEXT, "inner.flags")
    assert expanded([f"--flagfile={write(f'--l2=0{os.linesep}--flagfile={inner}')}"]) == [
        "--l2=0",
        *WORDS,
    ]


def test_no_file_is_read_where_none_is_named():
    words = ["--seed=1", "--flagfile=", "file", "--", "--flagfile=F"]
    assert expanded(words) == ["--seed=1", "file", "--", "--flagfile=F"]


def test_a_home_directory_is_found(write, monkeypatch):
    path = write(TEXT)
    monkeypatch.setenv("HOME", os.path.dirname(path))
    assert expanded(["--flagfile=~/my.flags"]) == WORDS


def test_a_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_text, args=(TEXT,))
    thread.start()
    assert expanded([f"--flagfile={path}"]) == WORDS
    thread.join()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"--seed=\xff\xfe\n", "must be text in UTF-8"),
        (b"--seed=1\0", "must be text in UTF-8"),
        (b"\xff\xfe-\0-", "must be text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0", "must be text in UTF-8"),
        (b"#" * (MAX_SIZE + 1), "at most 1,048,576 bytes"),
    ],
    ids=["bytes", "null", "half UTF-16", "image", "large"],
)
def test_what_is_no_flagfile_is_refused_in_one_line(write, content, message):
    with pytest.raises(FlagfileError, match=message) as refused:
        expanded([f"--flagfile={write(content)}"])
    assert "my.flags" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nonexistent", "Unable to open flagfile '/nonexistent' .No such file"),
        ("/", "Unable to open flagfile '/' .Is a directory"),
        ("a\0b", "Unable to open flagfile 'a.x00b' .embedded null byte"),
        ("/dev/zero", "at most 1,048,576 bytes"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_one_line(path, message):
    with pytest.raises(FlagfileError, match=message):
        expanded(["--flagfile", path])


def test_a_flagfile_that_names_itself_is_refused(tmp_path):
    path = tmp_path / "my.flags"
    path.write_text(f"--flagfile={path}\n")
    with pytest.raises(FlagfileError, match="names itself"):
        expanded([f"--flagfile={path}"])


def test_a_name_is_needed():
    with pytest.raises(FlagfileError, match="must name a file"):
        expanded(["--seed=1", "--flagfile"])
