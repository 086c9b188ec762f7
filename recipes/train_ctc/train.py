#!/usr/bin/env python3
"""Trains a CTC model as one config file says, in one process or several.

usage: train.py CONFIG RUN_FOLDER
       torchrun --nproc-per-node N train.py CONFIG RUN_FOLDER

RUN_FOLDER/data holds the packed corpora (made if missing), RUN_FOLDER/checkpoints the state: run the same command again and
it goes on where it stopped. Progress goes to standard output and RUN_FOLDER/log.jsonl.
"""
import argparse
import contextlib
import json
import os
import pathlib
import time

import torch
import torch.distributed

import activations
import bundles
import checkpoints
import config as config_module
import corpus
import examples
import validation
from averages import MovingAverage
from ctc_model import CtcModel, ctc_loss_sum, target_counts
from units import Units


class Processes:
    """This process among those that torchrun started, or alone."""

    def __init__(self):
        self.count, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        local_rank = int(os.environ.get("LOCAL_RANK", 0))
        on_cuda = torch.cuda.is_available()
        self.device = torch.device("cuda", local_rank) if on_cuda else torch.device("cpu")
        if on_cuda:
            torch.cuda.set_device(self.device)
        if self.count > 1:
            torch.distributed.init_process_group("nccl" if on_cuda else "gloo")

    def all_agree(self, value):
        """The first process's value of a flag, so that clocks which differ lead to one decision."""
        if self.count == 1:
            return value
        flag = torch.tensor([int(value)], device=self.device)
        torch.distributed.broadcast(flag, 0)
        return bool(flag.item())

    def sum(self, values):
        """Sum of a list of numbers over the processes."""
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        if self.count > 1:
            torch.distributed.all_reduce(total)
        return total.tolist()

    def wait(self):
        if self.count > 1:
            torch.distributed.barrier()

    def close(self):
        if self.count > 1:
            torch.distributed.destroy_process_group()


def learning_rate_factor(step, training):
    """Of the step numbered from 0: rises over the warm-up, stays, falls to zero over the last anneal_fraction."""
    rising = min(1.0, (step + 1) / max(1, training.warm_up_steps))
    annealed = max(1.0, training.anneal_fraction * training.steps)
    return min(rising, (training.steps - step) / annealed, 1.0)


def parameter_groups(model, training):
    """AdamW groups: heads faster, lower layers slower, decay on matrices only, nothing for layers that stay as they are."""
    groups, top = {}, len(model.encoder.layers) - 1
    for name, parameter in model.named_parameters():
        factor, decay = training.head_factor, 0.0
        if name.startswith("encoder."):
            depth = model.encoder.depth_of(name.removeprefix("encoder."))
            if depth < training.first_trained_layer and training.first_trained_layer > 0:
                parameter.requires_grad_(False)
                continue
            factor = training.layer_decay ** max(0, top - depth)
            decay = training.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((factor, decay), []).append(parameter)
    return [{"params": parameters, "factor": factor, "weight_decay": decay, "lr": training.learning_rate * factor}
            for (factor, decay), parameters in groups.items()]


class Trainer:
    """One run in one process; all processes of the run go through the same steps."""

    def __init__(self, config, folder, processes):
        self.config, self.folder, self.processes = config, pathlib.Path(folder), processes
        self.training = config.training
        torch.manual_seed(self.training.seed)
        self.units = Units(config_module.project_path(config.units_from), config.heads)
        self._read_data()
        self.model = CtcModel(config.architecture, self.units.sizes())
        if config.start_from:
            bundles.load_into(self.model, config_module.project_path(config.start_from), config.start_layers)
        if self.training.first_trained_layer:
            self.model.encoder.first_trained_layer = self.training.first_trained_layer
        self.model.to(processes.device)
        self._open_activations()
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, self.training), betas=(0.9, 0.98))
        self.average = MovingAverage(self.model, self.training.average_decay)
        self.parallel = self.model
        if processes.count > 1:
            self.parallel = torch.nn.parallel.DistributedDataParallel(self.model)
        self.checkpoints = checkpoints.Checkpoints(self.folder / "checkpoints", self.training.kept_checkpoints)
        self.step, self.epoch, self.first_batch, self.hours = 0, 0, 0, 0.0
        self._resume()

    def _read_data(self):
        data, packed = self.config.data, self.folder / "data"
        if self.processes.rank == 0:
            packed.mkdir(parents=True, exist_ok=True)
            for path in [*data.train, *data.validation]:
                corpus.pack(config_module.project_path(path), packed)
        self.processes.wait()

        def read(paths):
            return corpus.Packed(packed, [pathlib.Path(path).name for path in paths])

        self.packed, self.packed_validation = read(data.train), read(data.validation)
        self.utterances = list(examples.usable(self.packed.utterances, data.longest_utterance_s))
        if data.train_minutes:
            self.utterances = first_minutes(self.utterances, data.train_minutes)
        wanted = set(data.validation_speakers)
        self.validation = [utterance for utterance in examples.usable(self.packed_validation.utterances, 30)
                           if not wanted or utterance["speaker"] in wanted]
        if not self.utterances:
            raise ValueError("no utterance to train on")
        both = {one["speaker"] for one in self.utterances} & {one["speaker"] for one in self.validation}
        if both and not data.shared_speakers:
            raise ValueError(f"speaker {min(both)} is in training and validation")

    def _open_activations(self):
        self.activations = None
        if not self.training.activation_copies:
            return
        if not self.training.first_trained_layer or self.config.architecture["type"] != "whisper-encoder":
            raise ValueError("activation_copies: needs a whisper-encoder and first_trained_layer above 0")
        if self.training.loader_processes:
            raise ValueError("activation_copies: the training process fills the store itself, so loader_processes must be 0")
        self.activations = activations.ActivationStore(self.folder / "data", self.config, self.model.encoder,
                                                       self.processes.device)

    def _epoch(self):
        arguments = (self.packed, self.utterances, self.config, self.units, self.epoch)
        if self.activations is None:
            return examples.Epoch(*arguments)
        return activations.StoredEpoch(self.activations, self.training.activation_copies, *arguments)

    def _resume(self):
        state = self.checkpoints.newest()
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.load(state["average"])
        self.step, self.epoch, self.first_batch, self.hours = (
            state[name] for name in ("step", "epoch", "first_batch", "hours"))
        self._log({"resumed": self.step, "hours": round(self.hours, 3)})

    def save(self):
        if self.processes.rank == 0:
            self.checkpoints.save(self.step, {
                "config": config_module.as_dict(self.config), "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(), "average": self.average.state(), "step": self.step,
                "epoch": self.epoch, "first_batch": self.first_batch, "hours": self.hours})
        self.processes.wait()

    def _log(self, entry):
        if self.processes.rank == 0:
            print(" ".join(f"{key} {value}" for key, value in entry.items()), flush=True)
            with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")

    def update(self, batches, totals):
        """One optimiser step on this process's micro-batches; totals: units of each head in those of all processes.

        Returns [loss sum of each head..., seconds of audio] of this process. The sums are divided by the totals, so the
        gradient does not depend on how micro-batches and processes share the examples.
        """
        rate = learning_rate_factor(self.step, self.training)
        for group in self.optimizer.param_groups:
            group["lr"] = self.training.learning_rate * group["factor"] * rate
        sums, audio_s = [0.0] * len(self.config.heads), 0.0
        for index, batch in enumerate(batches):
            last = index == len(batches) - 1
            silent = contextlib.nullcontext() if last or self.processes.count == 1 else self.parallel.no_sync()
            device = self.processes.device
            with silent:
                with torch.autocast(device.type, dtype=torch.bfloat16):
                    logits, counts = self.parallel(batch.features.to(device), batch.frames.to(device), batch.lowered)
                loss = 0.0
                for place, (head, weight) in enumerate(self.config.heads.items()):
                    one = ctc_loss_sum(logits[head], counts, [targets[head] for targets in batch.targets])
                    loss = loss + weight * one / max(1, totals[head])
                    sums[place] += float(one.detach())
                (loss * self.processes.count).backward()  # the mean over processes follows
            audio_s += batch.audio_s
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training.gradient_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if hasattr(self.model.encoder, "after_update"):
            self.model.encoder.after_update(self.step)
        self.average.update(self.model)
        return [*sums, audio_s]

    def validate(self):
        with self.average.in_place_of(self.model):
            self.model.eval()
            result = validation.evaluate(self.model, self.packed_validation, self.validation, self.units,
                                         list(self.config.heads), self.training.batch_s, self.processes)
            self.model.train()
        self._log({"step": self.step, "hours": round(self.hours, 3), **result})
        return result

    def run(self):
        """Trains to the last step; returns the result of the last validation."""
        group = self.training.batches_per_step
        if group % self.processes.count:
            raise ValueError(f"batches_per_step {group} is not a multiple of the {self.processes.count} processes")
        self.model.train()
        heads, saved, result = list(self.config.heads), time.monotonic(), None
        sums, units_seen, since = [0.0] * len(heads), [0] * len(heads), time.monotonic()
        while self.step < self.training.steps:
            epoch = self._epoch()
            if len(epoch) < group:
                raise ValueError(f"{len(epoch)} micro-batches are fewer than the {group} of one step")
            steps = (len(epoch) - self.first_batch) // group
            mine = [self.first_batch + step * group + place for step in range(steps)
                    for place in range(self.processes.rank, group, self.processes.count)]
            loader = iter(torch.utils.data.DataLoader(epoch, batch_size=None, sampler=mine,
                                                      num_workers=self.training.loader_processes))
            for _ in range(steps):
                targets = [example.targets for batch in epoch.batches[self.first_batch : self.first_batch + group]
                           for example in batch]
                totals = target_counts(targets, heads)
                *losses, audio_s = self.processes.sum(
                    self.update([next(loader) for _ in range(group // self.processes.count)], totals))
                self.step, self.first_batch = self.step + 1, self.first_batch + group
                self.hours += audio_s / 3600
                sums = [a + b for a, b in zip(sums, losses)]
                units_seen = [a + totals[head] for a, head in zip(units_seen, heads)]
                if self.step % 20 == 0 or self.step == self.training.steps:
                    losses = {f"loss_{head}": round(total / max(1, seen), 4)
                              for head, total, seen in zip(heads, sums, units_seen)}
                    self._log({"step": self.step, "epoch": self.epoch, "hours": round(self.hours, 3), **losses,
                               "seconds": round(time.monotonic() - since, 1)})
                    sums, units_seen, since = [0.0] * len(heads), [0] * len(heads), time.monotonic()
                if self.validation and (self.step % self.training.validate_every_steps == 0 or
                                        self.step == self.training.steps):
                    result = self.validate()
                if self.processes.all_agree(time.monotonic() - saved > self.training.checkpoint_s):
                    self.save()
                    saved = time.monotonic()
                if self.step == self.training.steps:
                    break
            else:
                self.epoch, self.first_batch = self.epoch + 1, 0
        self.save()
        return result


def first_minutes(utterances, minutes):
    """As many utterances as fill the minutes, in order."""
    kept, total_s = [], 0.0
    for utterance in utterances:
        if total_s >= minutes * 60:
            break
        kept.append(utterance)
        total_s += utterance["duration_s"]
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("folder")
    options = parser.parse_args()
    processes = Processes()
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // processes.count))
    try:
        Trainer(config_module.load(options.config), options.folder, processes).run()
    finally:
        processes.close()


if __name__ == "__main__":
    main()
