"""What one run is told: a JSON file, checked before anything heavy is imported."""

from __future__ import annotations

from cmcore.hints import Any, NamedTuple

SCENARIOS = ("Offline", "SingleStream", "MultiStream", "Server")
MODES = ("PerformanceOnly", "AccuracyOnly", "FindPeakPerformance")
FORMATS = ("onnx", "torchscript", "pytorch")
BACKENDS = ("onnxruntime", "pytorch")
DEVICES = ("cpu", "cuda")
ROLES = ("client", "server")
#: How model outputs become the bytes that LoadGen logs; "" follows the task of the data set.
RESPONSES = ("", "label", "argmax", "raw", "detection", "squad")
#: Exit code of a configuration that cannot work.
WRONG = 2


class Model(NamedTuple):
    """The model: `inputs` maps model inputs to data set inputs, `outputs` chooses outputs.

    Attributes:
        response: one of `RESPONSES`.
        label_offset: added to a class number: -1 for models whose class 0 is the background.
    """

    name: str
    path: str
    format: str
    precision: str
    inputs: dict[str, str] | None
    outputs: list[str] | None
    response: str
    label_offset: int


class Backend(NamedTuple):
    """The library that runs the model; `threads` 0 leaves their number to the library."""

    name: str
    device: str
    threads: int
    options: dict[str, Any]


class Network(NamedTuple):
    """LoadGen over the network: the role of this process and `host:port` of the server."""

    role: str
    address: str


class Config(NamedTuple):
    """One run: the keys of the JSON form, where `samples` is called `count`."""

    model: Model
    backend: Backend
    dataset: str | dict[str, Any]
    scenario: str
    mode: str
    batch_size: int
    workers: int
    performance_sample_count: int
    samples: int | None
    user_conf: str
    audit_conf: str
    output: str
    network: Network | None


def read(path: str) -> Config:
    """Read and check a configuration file; relative paths in it are relative to the current folder.

    Raises:
        CmError: with exit code 2: unreadable, or a key or value is wrong; names the key.
    """
    from cmcore import storage
    from cmcore.errors import CmError

    try:
        content = storage.read_json(path)
    except CmError as error:
        raise CmError(error.message, where=error.where, hint=error.hint, code=WRONG) from None
    return check(content, path)


def check(content: Any, where: str = "") -> Config:
    """The configuration in `content`.

    Raises:
        CmError: with exit code 2, naming the key at fault and what it may be.
    """
    top = _Part(content, "", where)
    top.only(["count" if field == "samples" else field for field in Config._fields])
    model = top.part("model")
    model.known(Model)
    backend = top.part("backend", {})
    backend.known(Backend)
    network = None
    if top.given("network"):
        part = top.part("network")
        part.known(Network)
        network = Network(part.choice("role", ROLES), part.text("address"))
    mode = top.choice("mode", MODES, "PerformanceOnly")
    scenario = top.choice("scenario", SCENARIOS)
    if mode == "FindPeakPerformance" and scenario != "Server":
        top.wrong(f"mode FindPeakPerformance exists for scenario Server only, not for {scenario}")
    checked = Config(
        model=_model(model),
        backend=_backend(backend),
        dataset=_dataset(top),
        scenario=scenario,
        mode=mode,
        batch_size=top.number("batch_size", 1, least=1),
        workers=top.number("workers", 1, least=1),
        performance_sample_count=top.number("performance_sample_count", 1024, least=1),
        samples=top.number("count", 0, least=0) or None,
        user_conf=top.file("user_conf"),
        audit_conf=top.file("audit_conf"),
        output=top.text("output"),
        network=network,
    )
    if checked.model.format != "onnx" and checked.backend.name == "onnxruntime":
        top.wrong("backend onnxruntime runs models of format onnx only", "use backend pytorch")
    if checked.model.format == "onnx" and checked.backend.name == "pytorch":
        top.wrong("backend pytorch cannot run a model of format onnx", "use backend onnxruntime")
    return checked


def _model(part: _Part) -> Model:
    import os

    from cmcore.errors import NotFoundError

    path = part.text("path")
    if not os.path.isfile(path):
        raise NotFoundError(f"no model at {path}", where=part.where, code=WRONG)
    guess = "onnx" if path.endswith(".onnx") else None
    return Model(
        name=part.text("name"),
        path=path,
        format=part.choice("format", FORMATS, guess),
        precision=part.text("precision", "fp32"),
        inputs=part.mapping("inputs"),
        outputs=part.words("outputs"),
        response=part.choice("response", RESPONSES, ""),
        label_offset=part.number("label_offset", 0, least=None),
    )


def _backend(part: _Part) -> Backend:
    return Backend(
        name=part.choice("name", BACKENDS, "onnxruntime"),
        device=part.choice("device", DEVICES, "cpu"),
        threads=part.number("threads", 0, least=0),
        options=part.mapping("options") or {},
    )


def _dataset(top: _Part) -> str | dict[str, Any]:
    value = top.content.get("dataset")
    if isinstance(value, str) and value:
        return value
    if isinstance(value, dict):
        part = top.part("dataset")
        part.only(("kind", "count", "shapes", "seed"))
        part.choice("kind", ("random",))
        part.number("count", 1024, least=1)
        part.number("seed", 1, least=0)
        return value
    top.wrong('\'dataset\' must be a folder or {"kind": "random", "count": ...}')
    return {}


class _Part:
    """One JSON object of the configuration, asked for values of a known form."""

    def __init__(self, content: Any, name: str, where: str) -> None:
        self.name = name
        self.where = where
        if not isinstance(content, dict):
            self.wrong(f"{repr(name) if name else 'the configuration'} must be an object")
        self.content: dict[str, Any] = content

    def wrong(self, message: str, hint: str = "") -> Any:
        from cmcore.errors import CmError

        raise CmError(message, where=self.where, hint=hint, code=WRONG)

    def known(self, kind: Any) -> None:
        self.only(kind._fields)

    def only(self, names: Any) -> None:
        for key in self.content:
            if key not in names:
                from cmcore.naming import did_you_mean, suggestion

                near = suggestion(did_you_mean(str(key), names)) or f"known: {', '.join(names)}"
                self.wrong(f"unknown key {self.key(key)}", near)

    def key(self, key: object) -> str:
        return repr(f"{self.name}.{key}" if self.name else str(key))

    def given(self, key: str) -> bool:
        return self.content.get(key) is not None

    def part(self, key: str, default: Any = None) -> _Part:
        if not self.given(key) and default is None:
            self.wrong(f"{self.key(key)} is missing")
        return _Part(self.content[key] if self.given(key) else default, key, self.where)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.content.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            self.wrong(f"{self.key(key)} must be a non-empty text, not {value!r}")
        return str(value)

    def file(self, key: str) -> str:
        import os

        path = self.text(key, "") if self.content.get(key) else ""
        if path and not os.path.isfile(path):
            self.wrong(f"{self.key(key)}: no file {path}")
        return path

    def choice(self, key: str, values: tuple[str, ...], default: str | None = None) -> str:
        value = self.content.get(key)
        if value is None and default is not None:
            return default
        if value not in values:
            from cmcore.naming import did_you_mean, suggestion

            told = ", ".join(filter(None, values))
            near = suggestion(did_you_mean(str(value), values)) if value else ""
            self.wrong(f"{self.key(key)} must be one of {told}, not {value!r}", near)
        return str(value)

    def number(self, key: str, default: int, *, least: int | None) -> int:
        value = self.content.get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(f"{self.key(key)} must be a whole number, not {value!r}")
        if least is not None and value < least:
            self.wrong(f"{self.key(key)} must be at least {least}, not {value}")
        return int(value)

    def mapping(self, key: str) -> dict[str, Any] | None:
        value = self.content.get(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(f"{self.key(key)} must be an object, not {value!r}")
        return value or None

    def words(self, key: str) -> list[str] | None:
        value = self.content.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self.wrong(f"{self.key(key)} must be a list of names, not {value!r}")
        return list(value) or None
