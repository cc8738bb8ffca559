"""A study on a Ray cluster of two nodes, one of which is lost in the middle."""

import os
import time

import pytest

from tests.study.test_study import Studies

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of two nodes on this machine, with a core each, in which runs take their time."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("FAKE_RUN_SECONDS", "4")
    monkeypatch.setenv("RAY_health_check_timeout_ms", "1000")
    monkeypatch.setenv("RAY_health_check_failure_threshold", "2")
    found = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    yield found
    found.shutdown()


def test_a_lost_node_changes_nothing(cluster, tmp_path):
    studies = Studies(tmp_path)
    studies.run(name="whole", FAKE_RUN_SECONDS="0")
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    flags = "--executor=ray", "--gpus_per_trial=0"
    process = studies.start(*flags, name="lost", RAY_ADDRESS=cluster.address)
    started = tmp_path / "lost/searches/started.txt"
    while not started.is_file() or len(started.read_text().splitlines()) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    cluster.remove_node(second, allow_graceful=False)
    output = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert studies.read("lost") == studies.read("whole")


def test_without_a_cluster_it_says_so(tmp_path):
    environment = {name: "" for name in os.environ if name == "RAY_ADDRESS"}
    errors = Studies(tmp_path).run("--executor=ray", name="none", code=2, **environment)
    assert errors.startswith("error: --executor=ray found no cluster; start one with `ray start")
