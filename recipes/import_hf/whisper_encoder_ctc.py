"""The encoder of Whisper with a CTC head, which transformers has no class for; its tensors have the names that `skald model
import hf` reads. Windows end where they end, without the padding to 30 s that transformers' encoder insists on.
"""
import torch
import transformers as tf
from transformers.modeling_outputs import CausalLMOutput


class WhisperEncoderCtc(torch.nn.Module):
    def __init__(self, config, units):
        super().__init__()
        self.config = config
        self.model = torch.nn.Module()
        self.model.encoder = tf.WhisperModel(config).encoder
        self.lm_head = torch.nn.Linear(config.d_model, units)

    def forward(self, input_features):
        """[batch, bins, frames] -> an output whose logits are [batch, frames / 2, units]."""
        encoder = self.model.encoder
        x = torch.nn.functional.gelu(encoder.conv1(input_features))
        x = torch.nn.functional.gelu(encoder.conv2(x)).transpose(1, 2)
        x = x + encoder.embed_positions.weight[: x.shape[1]]
        for layer in encoder.layers:
            x = layer(x, None)
            x = x[0] if isinstance(x, tuple) else x
        return CausalLMOutput(logits=self.lm_head(encoder.layer_norm(x)))
