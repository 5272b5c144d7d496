"""The folder of fixtures: the input of every network, and `expected.json`."""

import json
import os
import shutil

import numpy as np

INPUT = {
    "formula": "element i = ((i * 37 + 11) mod 101) / 101 - 0.5, computed in f64, rounded to f32",
    "order": "i counts in NCHW order, also for networks whose own input is NHWC",
}


def image(shape):
    """The input of a network: `shape` is NCHW."""
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return ((i * 37 + 11) % 101 / 101 - 0.5).astype(np.float32).reshape(shape)


class Folder:
    """Fixtures of one run, added to those of the other exporters that are there already."""

    def __init__(self, path, exporters):
        """Entries and files of `exporters` are dropped: this run writes them anew."""
        os.makedirs(path, exist_ok=True)
        self.path = path
        self.index = os.path.join(path, "expected.json")
        self.exporters, kept = {}, []
        if os.path.exists(self.index):
            with open(self.index, encoding="utf-8") as file:
                old = json.load(file)
            for entry in old["fixtures"]:
                if entry["exporter"] not in exporters:
                    kept.append(entry)
                else:
                    self.remove(self.file(entry))
            self.exporters = {k: v for k, v in old["exporters"].items() if k not in exporters}
        self.entries = kept

    @staticmethod
    def remove(file):
        """A model and what lies beside it."""
        for each in (file, f"{file}.data"):
            if os.path.exists(each):
                os.remove(each)

    def file(self, entry):
        return os.path.join(self.path, entry["file"])

    def add(self, model, exporter, opset, pattern, shape, output, **extra):
        """Write one network. `output`: logits of the framework itself for `image(shape)`.
        `data`: a file that the model keeps its weights in."""
        data = extra.pop("data", None)
        entry = {
            "file": f"{exporter}-{opset}-{pattern}.onnx",
            "exporter": exporter,
            "opset": opset,
            "pattern": pattern,
            "input_shape": list(shape),
            "layout": extra.pop("layout", "NCHW"),
            "output": numbers(output),
        }
        entry.update({key: value for key, value in extra.items() if value})
        with open(self.file(entry), "wb") as file:
            file.write(model.SerializeToString(deterministic=True))
        if data:
            shutil.copyfile(data, f"{self.file(entry)}.data")
        self.entries.append(entry)

    def save(self):
        """Write `expected.json`, one fixture a line."""
        self.entries.sort(key=lambda entry: entry["file"])
        lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in self.entries)
        exporters = json.dumps(dict(sorted(self.exporters.items())), indent=4)
        with open(self.index, "w", encoding="utf-8") as file:
            file.write(f'{{\n  "input": {json.dumps(INPUT)},\n')
            file.write(f'  "exporters": {exporters},\n  "fixtures": [\n{lines}\n  ]\n}}\n')


def numbers(array):
    """float32 values as the shortest decimals that read back as the same float32."""
    return [float(str(np.float32(v))) for v in np.asarray(array, dtype=np.float32).ravel()]
