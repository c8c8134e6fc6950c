"""Write a tiny Llama with random weights that a real vLLM serves: `python tests/vllm/tiny_model.py FOLDER`.

Two layers of 128, some 4,000 pieces of byte-level BPE trained on the project's own seeds and prompts, a chat template. Made
without torch and without a download, in a second, the same every time.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = Path(__file__).parent.parent.parent
PIECES, HIDDEN, INNER, LAYERS, HEADS, KEY_HEADS, CONTEXT_TOKENS = 4096, 128, 256, 2, 4, 2, 4096
ENDS = [f"<|end{number}|>" for number in range(160)]
"""Any of them ends a reply: one in 27 of all pieces, so that a model that draws at random stops by itself."""
SPECIAL = ["<|system|>", "<|user|>", "<|assistant|>", *ENDS]
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def texts() -> Iterator[str]:
    """What the tokenizer is trained on."""
    for path in sorted((ROOT / "src" / "synthgen" / "prompts").rglob("*.txt")):
        yield path.read_text(encoding="utf-8")
    for line in (ROOT / "seeds" / "seed_tasks.jsonl").read_text(encoding="utf-8").splitlines():
        seed = json.loads(line)
        yield seed["instruction"]
        yield from (instance[side] for instance in seed["instances"] for side in ("input", "output"))


def tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer."""
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES + len(SPECIAL),
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces.train_from_iterator(texts(), trainer)
    return pieces


def weights(vocabulary: int) -> dict[str, np.ndarray]:
    """Random matrices by the names that a Llama gives them."""
    rng = np.random.default_rng(7)
    keys = HIDDEN * KEY_HEADS // HEADS
    shapes = {"model.embed_tokens": (vocabulary, HIDDEN), "lm_head": (vocabulary, HIDDEN)}
    for layer in range(LAYERS):
        place = f"model.layers.{layer}"
        shapes |= {
            f"{place}.self_attn.q_proj": (HIDDEN, HIDDEN), f"{place}.self_attn.k_proj": (keys, HIDDEN),
            f"{place}.self_attn.v_proj": (keys, HIDDEN), f"{place}.self_attn.o_proj": (HIDDEN, HIDDEN),
            f"{place}.mlp.gate_proj": (INNER, HIDDEN), f"{place}.mlp.up_proj": (INNER, HIDDEN),
            f"{place}.mlp.down_proj": (HIDDEN, INNER),
        }  # fmt: skip
    found = {f"{name}.weight": rng.normal(0, 0.02, shape).astype("<f4") for name, shape in shapes.items()}
    norms = [
        f"model.layers.{layer}.{name}"
        for layer in range(LAYERS)
        for name in ("input_layernorm", "post_attention_layernorm")
    ]
    return found | {f"{name}.weight": np.ones(HIDDEN, "<f4") for name in (*norms, "model.norm")}


def save(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Write tensors in the safetensors format: the length of the header, the header as JSON, the numbers."""
    header, place = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [place, place + tensor.nbytes]}
        place += tensor.nbytes
    said = json.dumps(header).encode()
    said += b" " * (-len(said) % 8)
    path.write_bytes(len(said).to_bytes(8, "little") + said + b"".join(one.tobytes() for one in tensors.values()))


def main(folder: Path) -> None:
    """Write model and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = tokenizer()
    ends = [pieces.token_to_id(end) for end in ENDS]
    pieces.save(str(folder / "tokenizer.json"))
    save(folder / "model.safetensors", weights(pieces.get_vocab_size()))
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float32",
        "vocab_size": pieces.get_vocab_size(), "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS,
        "max_position_embeddings": CONTEXT_TOKENS, "rms_norm_eps": 1e-6, "hidden_act": "silu",
        "tie_word_embeddings": False, "bos_token_id": None, "eos_token_id": ends[0], "pad_token_id": ends[0],
    }  # fmt: skip
    words = {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": ENDS[0], "pad_token": ENDS[0],
        "model_max_length": CONTEXT_TOKENS, "chat_template": TEMPLATE,
    }  # fmt: skip
    files = {"config": config, "generation_config": {"eos_token_id": ends}, "tokenizer_config": words}
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
