"""Chat-template markers are told from markup."""

import pytest

from synthgen.text.special import special_tokens


@pytest.mark.parametrize(
    "marker",
    ["<|im_start|>", "<|eot_id|>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<start_of_turn>", "<eos>",
     "<|reserved_special_token_0|>", "<｜end▁of▁sentence｜>", "<|IM_END|>",
     "\x1b", "\x00", "\x08"],
)  # fmt: skip
def test_a_marker_is_found(marker):
    assert special_tokens(f"and then{marker} more") == marker


@pytest.mark.parametrize(
    "text", ["a < b | c > d", "<b>bold</b>", "[1] inst", "x <| f |> y", "plain", "lines\r\nand\ttabs"]
)
def test_ordinary_text_has_none(text):
    assert special_tokens(text) is None
