#!/usr/bin/env python3
"""Transcribes an archive on a Ray cluster: a pool of warm recognizers works through a manifest in shards.

A shard is a folder that appears at once, complete, under a name that follows from its files. So a worker, a machine or the whole job may
die at any moment: Ray does the shard again elsewhere, a job that is started again does what is missing, and nothing is there twice.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import sys
import uuid


def read_manifest(path):
    """The paths of a manifest: a line each (.txt), or objects with "path" (.jsonl); relative ones start at the manifest."""
    paths = []
    for line in pathlib.Path(path).read_text().splitlines():
        if line.strip():
            named = json.loads(line)["path"] if str(path).endswith(".jsonl") else line.strip()
            paths.append(str(pathlib.Path(path).parent / named))
    return list(dict.fromkeys(paths))


def make_shards(paths, files_per_shard):
    """Shards as rows for Ray Data; a shard's name is a hash of its paths."""
    shards = []
    for first in range(0, len(paths), files_per_shard):
        part = paths[first:first + files_per_shard]
        shards.append({"name": hashlib.sha256("\0".join(part).encode()).hexdigest()[:16], "paths": json.dumps(part)})
    return shards


def output_name(path):
    """Name of a file's transcript in its shard; different paths have different names."""
    return "%s-%s.json" % (pathlib.Path(path).stem[:100], hashlib.sha256(path.encode()).hexdigest()[:8])


class Transcriber:
    """A worker: loads the model once, then makes shards."""

    def __init__(self, out, options):
        import skald
        self.shards = pathlib.Path(out) / "shards"
        self.recognizer = skald.Recognizer(**options)

    def __call__(self, batch):
        for name, paths in zip(batch["name"], batch["paths"]):
            if not (self.shards / name).exists():  # else a worker had just finished it when it died
                self.make(str(name), json.loads(str(paths)))
        return {"name": batch["name"]}

    def make(self, name, paths):
        unfinished = self.shards / (".%s-%s" % (name, uuid.uuid4().hex))
        unfinished.mkdir(parents=True)
        report = []

        def keep(result):
            entry = {"path": result.path, "error": None if result.error is None else str(result.error)}
            if result.error is None:
                transcript = result.transcript()
                entry.update(transcript=output_name(result.path), audio_s=transcript.duration_s)
                (unfinished / entry["transcript"]).write_text(transcript.to_json())
            report.append(json.dumps(entry))

        self.recognizer.transcribe(paths, index=unfinished / "index", on_result=keep)
        (unfinished / "report.jsonl").write_text("\n".join(report) + "\n")
        try:
            os.rename(unfinished, self.shards / name)
        except OSError:
            if not (self.shards / name).exists():
                raise
            shutil.rmtree(unfinished)  # another attempt was faster


def collect(out, shards):
    """Joins the shards: the index, and a report with a line for each file."""
    import skald
    entries = []
    for shard in shards:
        folder = out / "shards" / shard["name"]
        entries += [json.loads(line) for line in (folder / "report.jsonl").read_text().splitlines()]
        skald.KeywordIndex.absorb(out / "index", folder / "index")
    skald.KeywordIndex.merge(out / "index")
    unfinished = out / ".report.jsonl"
    unfinished.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    unfinished.rename(out / "report.jsonl")
    for leftover in (out / "shards").glob(".*"):
        shutil.rmtree(leftover)
    return entries


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", help="paths that every machine of the cluster can read, .txt or .jsonl")
    parser.add_argument("out", help="folder that every machine of the cluster can write")
    parser.add_argument("--address", help="of a running cluster (default: RAY_ADDRESS, else a cluster on this machine)")
    parser.add_argument("--workers", type=int, default=2, help="recognizers at the same time")
    parser.add_argument("--cpus", type=float, default=1, help="processors of each")
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of each")
    parser.add_argument("--files-per-shard", type=int, default=64, help="more: fuller batches, more to do again after a crash")
    parser.add_argument("--options", type=json.loads, default={}, help="of skald.Recognizer, as JSON")
    arguments = parser.parse_args()

    import ray
    out = pathlib.Path(arguments.out).resolve()
    (out / "shards").mkdir(parents=True, exist_ok=True)
    shards = make_shards(read_manifest(arguments.manifest), arguments.files_per_shard)
    missing = [shard for shard in shards if not (out / "shards" / shard["name"]).exists()]
    print("%d of %d shards to do" % (len(missing), len(shards)), file=sys.stderr)
    if missing:
        options = {"threads": max(1, int(arguments.cpus)), **arguments.options}
        ray.init(address=arguments.address, log_to_driver=False,
                 **({} if arguments.address else {"num_cpus": max(2, int(arguments.workers * arguments.cpus) + 1)}))
        done = ray.data.from_items(missing, override_num_blocks=len(missing)).map_batches(
            Transcriber, fn_constructor_args=(str(out), options), batch_size=1, concurrency=arguments.workers, num_cpus=arguments.cpus,
            num_gpus=arguments.gpus or None)
        for row in done.iter_rows():
            print("shard %s" % row["name"], file=sys.stderr)
        ray.shutdown()

    entries = collect(out, shards)
    failed = [entry for entry in entries if entry["error"]]
    for entry in failed:
        print(entry["error"], file=sys.stderr)
    print("%d files, %.2f h of audio, %d failed" % (len(entries), sum(entry.get("audio_s", 0) for entry in entries) / 3600, len(failed)))
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
