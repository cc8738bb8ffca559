"""Free memory within the control groups that a container or a batch system sets up."""

import pytest

from pdarts_tf.runs import free_memory
from pdarts_tf.runs.free_memory import left_in_groups

SECOND = {
    "proc/self/cgroup": "0::/job/step\n",
    "sys/fs/cgroup/job/memory.max": "1000\n",
    "sys/fs/cgroup/job/memory.current": "700\n",
    "sys/fs/cgroup/job/memory.stat": "anon 600\nfile 90\ninactive_file 50\n",
    "sys/fs/cgroup/job/step/memory.max": "max\n",
    "sys/fs/cgroup/job/step/memory.current": "700\n",
    "sys/fs/cgroup/job/step/memory.stat": "inactive_file 50\n",
}
FIRST = {
    "proc/self/cgroup": "9:cpu,cpuacct:/\n4:memory:/of/the/host\n0::/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "4000\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "4500\n",
    "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
}


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, []),
        ({"proc/self/cgroup": "0::/\n"}, []),
        (SECOND, [1000 - 700 + 50]),
        (FIRST, [0]),
        (FIRST | {"sys/fs/cgroup/memory/memory.usage_in_bytes": "1000"}, [3000]),
    ],
)
def test_what_a_group_has_left(tmp_path, files, left):
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert left_in_groups(tmp_path) == left


@pytest.mark.parametrize("left", [[], [10**6], [10**18]])
def test_no_more_is_free_than_the_tightest_group_has(monkeypatch, left):
    monkeypatch.setattr(free_memory, "left_in_groups", lambda root: left)
    free = free_memory.free_memory()
    assert free == 10**6 if left == [10**6] else 10**6 < free < 10**18
