"""What several workers on this machine need: TF_CONFIG, and addresses."""

import json
import socket


def task_config(kind="worker", index=0, **cluster):
    """The value of TF_CONFIG for a task of a cluster, {kind: addresses}."""
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def free_addresses(count):
    """Addresses on this machine that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses
