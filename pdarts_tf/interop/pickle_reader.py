"""A reader of pickles that makes values, and runs nothing.

Python's own unpickler calls what a pickle names. Here every class, function and object of a pickle
becomes a `Call` or a `Global`, inert records of what the pickle asked for. Strings, numbers and
containers are read as they are. Nothing is hashed, compared or allocated by sizes that the pickle
claims, so that a hostile one costs no more than its own length.
"""

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

MAX_OPERATIONS = 2_000_000
"""Limit on the operations of a pickle; a large network with its optimizer has some 100,000."""


class PickleError(ValueError):
    """Raised for bytes that are no pickle."""


class Global(NamedTuple):
    """A class or a function that a pickle names, such as `collections.OrderedDict`."""

    module: str
    name: str

    def __str__(self) -> str:
        """Returns the dotted name."""
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Call:
    """An object that a pickle makes by calling something.

    Args:
        function: What is called: a `Global`, or an object that the pickle made.
        arguments: What it is called with.
        items: What the pickle then puts into the object as into a dictionary.
    """

    function: Any
    arguments: tuple[Any, ...]
    items: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Persistent:
    """An object outside the pickle; `identity` is what the pickle says about it."""

    identity: Any


_MARK = object()
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_CONTAINERS: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,  # sets are lists here: nothing is hashed
}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NOTHING = {"PROTO", "FRAME", "STOP"}
_REFUSED = {"PERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"}


def read_pickle(stream: IO[bytes]) -> Any:
    """Returns the value of the pickle at the position of a stream, which is then behind it.

    Example:

    >>> import io, pickle
    >>> read_pickle(io.BytesIO(pickle.dumps({"a": (1, 2.5, None)})))
    {'a': (1, 2.5, None)}
    >>> read_pickle(io.BytesIO(pickle.dumps(print))).name
    'print'

    Raises:
        PickleError: There is none, or one that is cut or not well-formed.
    """
    machine = _Machine()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in texts that are no texts
            return _performed(machine, stream)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise PickleError(f"not a pickle of arrays ({type(error).__name__})") from error


def _performed(machine: "_Machine", stream: IO[bytes]) -> Any:
    """Returns what a pickle leaves on the stack."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count >= MAX_OPERATIONS:
            raise PickleError(f"a pickle of more than {MAX_OPERATIONS} operations")
        machine.step(opcode.name, argument)
    return machine.pop()


class _Machine:
    """The stack and the memo of an unpickler."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def pop(self) -> Any:
        """Takes the last value off the stack."""
        value = self._stack.pop()
        if value is _MARK:
            raise PickleError("a mark where a value is expected")
        return value

    def step(self, name: str, argument: Any) -> None:
        """Performs one operation."""
        if name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _CONTAINERS:
            self._stack.append(_CONTAINERS[name]())
        elif name in _PUTS or name == "MEMOIZE":
            self._memo[len(self._memo) if name == "MEMOIZE" else int(argument)] = self._top()
        elif name in _GETS:
            self._stack.append(self._memo[int(argument)])
        elif name in _TUPLES:
            self._stack.append(tuple(self._last(_TUPLES[name])))
        elif name in _OPERATIONS:
            _OPERATIONS[name](self)
        elif name == "MARK":
            self._stack.append(_MARK)
        elif name in ("GLOBAL", "INST"):
            self._name(name, argument)
        elif name in _REFUSED:
            raise PickleError(f"an operation {name}")
        elif name not in _NOTHING:
            self._stack.append(argument)  # a number, a text or bytes

    def _top(self) -> Any:
        value = self._stack[-1]
        if value is _MARK:
            raise PickleError("a mark where a value is expected")
        return value

    def _last(self, count: int) -> list[Any]:
        return [self.pop() for _ in range(count)][::-1]

    def _since_mark(self) -> list[Any]:
        values = []
        while (value := self._stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def _name(self, name: str, argument: str) -> None:
        module, _, attribute = argument.partition(" ")
        found = Global(module, attribute)
        self._stack.append(Call(found, tuple(self._since_mark())) if name == "INST" else found)

    def tuple(self) -> None:
        self._stack.append(tuple(self._since_mark()))

    def list(self) -> None:
        self._stack.append(self._since_mark())

    def dict(self) -> None:
        pairs = self._since_mark()
        self._stack.append({})
        self._set(pairs)

    def append(self) -> None:
        self._extend([self.pop()])

    def extend(self) -> None:
        self._extend(self._since_mark())

    def _extend(self, values: Any) -> None:
        target = self._top()
        if isinstance(target, list):
            target.extend(values)
        elif not isinstance(target, Call):
            raise PickleError("an item of what is no list")

    def set_item(self) -> None:
        self._set(self._last(2))

    def set_items(self) -> None:
        self._set(self._since_mark())

    def _set(self, pairs: Any) -> None:
        target = self._top()
        items = target.items if isinstance(target, Call) else target
        if not isinstance(items, dict) or len(pairs) % 2:
            raise PickleError("an item of what is no dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            plain = key is None or isinstance(key, str | int | float | bytes)
            items[key if plain else Global("", f"key {len(items)}")] = value

    def stack_global(self) -> None:
        module, name = self._last(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleError("a name that is no text")
        self._stack.append(Global(module, name))

    def reduce(self) -> None:
        function, arguments = self._last(2)
        if not isinstance(arguments, tuple):
            raise PickleError("arguments that are no tuple")
        self._stack.append(Call(function, arguments))

    def new_object_with_keywords(self) -> None:
        self.pop()
        self.reduce()

    def object(self) -> None:
        function, *arguments = self._since_mark()
        self._stack.append(Call(function, tuple(arguments)))

    def build(self) -> None:
        self.pop()  # attributes, which nobody here needs
        self._top()

    def persistent(self) -> None:
        self._stack.append(Persistent(self.pop()))

    def duplicate(self) -> None:
        self._stack.append(self._top())


_OPERATIONS: dict[str, Callable[[_Machine], Any]] = {
    "POP": lambda machine: machine._stack.pop(),
    "POP_MARK": _Machine._since_mark,
    "DUP": _Machine.duplicate,
    "TUPLE": _Machine.tuple,
    "LIST": _Machine.list,
    "FROZENSET": _Machine.list,
    "DICT": _Machine.dict,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "ADDITEMS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.reduce,
    "NEWOBJ_EX": _Machine.new_object_with_keywords,
    "OBJ": _Machine.object,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}
