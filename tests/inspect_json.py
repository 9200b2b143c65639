"""The JSON of `winnow explain` read by Python's reader, and what it says checked against itself.

    python3 tests/inspect_json.py WINNOW

Exit status 0: all is well; 77: there is no compiler, so that there is no code to look at.
"""
import json
import subprocess
import sys

CASES = [
    ("where(x < 0, 0, x)", ["x:f32[?]"]),
    ("m = a > 0 & b < 0.5 | !(c >= x); x[m]", ["x:f32[?]", "a:f32[?]", "b:f32[?]", "c:f32[?]"]),
    ("output s = sum(x[m]); output y = sqrt(x[m]) * w; output z = x > mean(x)", ["x:f32[?]", "m:bool[?]", "w:f32[]"]),
    ("expand(v, m, x) + f32(i // 3)", ["v:f32[?]", "m:bool[?]", "x:f32[?]", "i:i32[?]"]),
    ("place(a, m, v)[m]", ["a:i64[?]", "m:bool[?]", "v:i64[?]"]),
    ("h * 3 + f16(i // 7) - abs(h)", ["h:f16[?]", "i:i8[?]"]),
    ("output a = argmin(d, where=d > 0.25); output b = mean(i64(i)); output c = t[m]", ["d:f64[?]", "i:u16[?]", "t:u8[?, 3]", "m:bool[?]"]),
    ("x * 2 # \u00e9 <b> & \"quotes\" \U0001f600", ["x:f64[?, 3]"]),
]
FATES = {"code", "hoisted", "loaded", "absorbed", "constant", "packed", "c", "unused"}


def explain(winnow, text, inputs, isa):
    command = [winnow, "explain", text, *inputs, "--emit", "json", "--isa", isa]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def check(raw, text):
    d = json.loads(raw.decode("utf-8", errors="strict"))
    if d.get("error", {}).get("status") == "compiler error":
        sys.exit(77)
    assert "error" not in d and d["version"] == 1 and d["text"] == text and "timings" not in d
    nodes = {n["id"]: n for n in d["nodes"]}
    outputs = {o["of"]: o for o in d["outputs"]}
    known = set(nodes) | set(outputs) | {"loop", ""}
    for n in d["nodes"]:
        assert n["fate"] in FATES and n["into"] in known
        assert all(o in nodes for o in n["operands"])
        if "line" in n:  # what stands there is its operation, or an input's name
            line = d["listing"][n["line"] - 1]
            assert n["id"] in line["of"]
            rest = line["text"][n["column"] - 1 :]
            assert rest.startswith(n["label"] if n["op"] == "input" else n["op"] + "("), rest
        for s in n["spellings"]:
            assert "name" in s or 0 <= s["begin"] < s["end"] <= len(text)
    served = [i["of"] for f in d["functions"] for i in f["instructions"]]
    assert all(s in known - {""} for s in served)
    for n in d["nodes"]:
        assert n["instructions"] == served.count(n["id"])
    for f in d["functions"]:
        at = f["offset"]
        for i in f["instructions"]:
            assert i["offset"] == at
            at += len(i["bytes"]) // 2
        assert at == f["offset"] + f["bytes"]
        loop = [i for i in f["instructions"] if i.get("loop")]
        assert loop and loop[-1]["target"] == f["figures"]["loop_begin"] == loop[0]["offset"]
        assert f["ir"][0]["text"].startswith("define") and f["ir"][-1]["text"] == "}"
        assert f["ir_optimized"][0]["text"].startswith("define") and f["ir_optimized"][-1]["text"] == "}"
        assert all(line["of"] in known for line in f["ir"] + f["ir_optimized"])
    lines = d["plan"]["lines"]
    for number, s in enumerate(d["plan"]["stages"]):
        assert lines[s["first_line"]]["text"].startswith(f"stage {number}: {s['kind']}")
        assert lines[s["first_line"] + 1]["text"] == "  because: " + s["reason"]
        assert all(d["functions"][f]["stage"] == number for f in s["functions"])
    assert all(x["of"] in known for x in d["decisions"] + lines)
    names = {f["name"] for f in d["functions"]}
    for x in d["decisions"]:
        assert x.get("stage", 0) < len(d["plan"]["stages"]) and x["reason"]
        if x["pass"] in ("emit", "functions"):
            assert set(x["after"].split(", ")) <= names, x
    explained = {name for x in d["decisions"] if x["pass"] == "functions" for name in [x["after"]]}
    assert explained == names, (explained, names)
    for i in (i for f in d["functions"] for i in f["instructions"]):  # what lies beside the code is shown
        assert ("(%rip)" in i["text"]) == ("constant" in i) or "pmov" in i["text"], i


def main():
    winnow = sys.argv[1]
    for text, inputs in CASES:
        for isa in ["portable", "x86-64-v2", "x86-64-v3", "x86-64-v4"]:
            raw = explain(winnow, text, inputs, isa)
            assert raw == explain(winnow, text, inputs, isa), "not the same bytes again"
            check(raw, text)
    print(f"{len(CASES)} expressions on 4 instruction sets")


main()
