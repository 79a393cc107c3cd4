"""Tries an implementation on the vectors in this folder: python3 check.py MODULE (a file beside this one).

MODULE.call(op, params) is one operation of spec/conformance.md: it returns the result, or raises an error whose
`code` is one of spec/errors.md. What it gives out, even before an error, it appends to the file params["sink"].
"""

import hashlib, importlib, json, pathlib, shutil, sys, tempfile


class Value(dict):  # bytes, and hexadecimal text, that would be too long stand there as length and hash
    def __eq__(self, other):
        if isinstance(other, dict):
            return dict.__eq__(self, other)
        data = bytes.fromhex(other) if isinstance(other, str) else other
        return [self.get("length"), self.get("sha256")] == [len(data), hashlib.sha256(data).hexdigest()]


call, here, failed = importlib.import_module(sys.argv[1]).call, pathlib.Path(__file__).parent, []
for vector in sum([json.loads(one.read_text(), object_hook=Value)["vectors"] for one in here.glob("*.json")], []):
    expect, params, work = vector["expect"], vector["input"], pathlib.Path(tempfile.mkdtemp())
    for name in {"storage", "target", "sink"} & params.keys():  # a folder beside this file, or what is to be made
        if (here / params[name]).is_dir():
            shutil.copytree(here / params[name], work / name, symlinks=True)
        params[name] = str(work / name)
    try:
        result = call(vector["op"], params)
        right = expect["outcome"] == "ok" and all(value == result[name] for name, value in expect["result"].items())
    except Exception as error:
        result = getattr(error, "code", repr(error))
        right = result in expect.get("errors", [])
    given = (work / "sink").read_bytes() if (work / "sink").exists() else b""
    right &= any(one == given for one in expect.get("released", [given]))
    made = [path for path in work.rglob("target/**/*") if "tree" in expect]
    places = [expect["tree"].get(path.relative_to(work / "target").as_posix()) for path in made]
    right &= expect["outcome"] == "reject" or len(made) == len(expect.get("tree", {}))
    for path, place in zip(made, places):
        right = right and place and (place["kind"] != "file" or place == path.read_bytes())
    failed += [] if right else [f"{vector['id']}: {result}, not {expect.get('errors', 'ok')}. {vector['why']}"]
    shutil.rmtree(work)
sys.exit("\n".join(failed) or 0)
