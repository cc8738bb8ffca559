"""A gRPC server whose answers are given as they go over the wire."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent import futures

import grpc
from tensorflow_serving.apis import get_model_status_pb2

_AVAILABLE = 30


def ready() -> bytes:
    """The status of a model with one version that is ready."""
    response = get_model_status_pb2.GetModelStatusResponse()
    response.model_version_status.add(version=1, state=_AVAILABLE)
    content: bytes = response.SerializeToString()
    return content


class _Methods(grpc.GenericRpcHandler):
    def __init__(self, answer):
        self._answer = answer

    def service(self, details):
        method = details.method.rpartition("/")[2]

        def handle(request, context):
            return self._answer(method, context)

        return grpc.unary_unary_rpc_method_handler(handle)


@contextlib.contextmanager
def serve(answer: Callable[[str, grpc.ServicerContext], bytes]) -> Iterator[int]:
    """Answers with the bytes of a function of the method's name; yields the port."""
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[_Methods(answer)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()
