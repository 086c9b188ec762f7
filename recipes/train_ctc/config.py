"""The settings of a training run, read from one JSON file (configs/). Unknown members are errors."""
import dataclasses
import json
import pathlib

PROJECT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Data:
    train: list  # corpus folders (audio/, text, utt2dur); relative to the project
    validation: list  # corpus folders to choose checkpoints by; never trained on
    validation_speakers: list = dataclasses.field(default_factory=list)  # of the validation folders; empty: all
    shared_speakers: bool = False  # validation may have speakers of the training data: it then says nothing about new voices
    train_minutes: float = 0  # trains on the first so many minutes only; 0: all
    shortest_example_s: float = 16  # utterances are joined until this is reached: less padding, longer context
    longest_example_s: float = 20  # and not past this, unless one utterance alone is longer
    longest_utterance_s: float = 26  # longer ones are left out: slowed by a tenth, 27 s are the 30 s that the model sees


@dataclasses.dataclass
class Augmentation:
    speed: float = 0.1  # resampled by 1 - speed to 1 + speed; larger: more voices (pitch, formants), odder ones
    gain_db: float = 6
    noise_probability: float = 0.3  # white to brown noise
    noise_lowest_snr_db: float = 12
    noise_highest_snr_db: float = 35
    codec_probability: float = 0.3  # MP3 and back
    codec_kbit_s: list = dataclasses.field(default_factory=lambda: [24, 32])
    frequency_masks: int = 2  # SpecAugment; a mask covers up to frequency_mask_bins
    frequency_mask_bins: int = 10
    time_masks_per_s: float = 0.25  # a mask covers up to time_mask_s
    time_mask_s: float = 0.25


@dataclasses.dataclass
class Training:
    steps: int = 4000
    batch_s: float = 40  # audio of a micro-batch, paddings included: what one process holds in memory at once
    batches_per_step: int = 4  # micro-batches an update is made from, over all processes together
    learning_rate: float = 2e-4  # of the top layer
    layer_decay: float = 1.0  # the layer below learns this much slower: below 1 keeps what pretrained lower layers know
    head_factor: float = 2.0  # the heads learn this much faster
    first_trained_layer: int = 0  # layers below and the convolutions stay as they are: nearly twice as fast at half
    activation_copies: int = 0  # variants of the data whose frozen layers' activations are kept on disk (1 KB a frame); 0: none
    warm_up_steps: int = 100
    anneal_fraction: float = 0.25  # the last part of the steps: the rate falls to zero in a straight line
    weight_decay: float = 0.01  # of matrices
    gradient_norm: float = 5.0  # longer gradients are scaled to this
    average_decay: float = 0.998  # of the moving average of the weights; nearer to 1 forgets more slowly
    checkpoint_s: float = 600
    kept_checkpoints: int = 3
    validate_every_steps: int = 500
    loader_processes: int = 0  # that read and augment ahead; 0: the training process does it itself
    seed: int = 1


@dataclasses.dataclass
class Config:
    name: str
    start_from: str  # bundle with the first weights, or empty: random weights
    units_from: str  # bundle with unit tables, pronunciations, words and language model
    architecture: dict  # "type" and the options of that file in architectures/
    heads: dict  # weight of each head's loss: {"char": 0.2, ...}
    data: Data
    start_layers: list = dataclasses.field(default_factory=list)  # of start_from's, from 0: these become the encoder's; empty: all
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    training: Training = dataclasses.field(default_factory=Training)


def _filled(kind, values, where):
    known = {field.name: field.type for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"{where}: unknown member {unknown[0]}")
    nested = {name: _filled(known[name], value, f"{where}: {name}")
              for name, value in values.items() if dataclasses.is_dataclass(known[name])}
    try:
        return kind(**{**values, **nested})
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None


def load(path):
    """Config of a JSON file. Raises ValueError that names file and member."""
    with open(path, encoding="utf-8") as file:
        return _filled(Config, json.load(file), str(path))


def as_dict(config):
    return dataclasses.asdict(config)


def from_dict(values):
    return _filled(Config, values, "config")


def project_path(path):
    """A path of a config file: absolute, or relative to the project."""
    return PROJECT / path
