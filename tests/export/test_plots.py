"""The pictures beside the card: there where there is something to show, small, readable and the same each time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from test_card import FACTS

from synthgen.export import canvas, lengths, plots
from synthgen.export.lengths import Lengths
from synthgen.export.tally import Mix

LARGEST_BYTES = 100_000


def of(whole, pairs=()):
    """Lengths of SFT rows, half of each a completion, and of (chosen, rejected) pairs."""
    rows = np.array(whole, np.int64)
    chosen, rejected = np.array(pairs, np.int64).reshape(-1, 2).T
    longer = np.maximum(chosen, rejected) + 10
    spreads = (lengths.spread(one) for one in (rows, rows // 2, longer, chosen))
    return Lengths("", *spreads, lengths.gaps(chosen, rejected))


USUAL = replace(FACTS, lengths=of([30, 90, 300, 1500, 5000], [(20, 30), (90, 40), (50, 50)]))


def drawn(folder, facts):
    """The pictures of a card, by name."""
    return {name: folder / one.path for name, one in plots.write(folder, facts, facts.marks).items()}


def colours(path):
    """The colours of a picture."""
    with Image.open(path) as picture:
        return {colour for _, colour in picture.convert("RGB").getcolors(maxcolors=512)}


def test_equal_facts_give_equal_bytes_in_three_small_files(tmp_path):
    one, other = drawn(tmp_path / "one", USUAL), drawn(tmp_path / "other", USUAL)
    assert list(one) == ["lengths", "mix", "scores"]
    for name in one:
        assert one[name].read_bytes() == other[name].read_bytes()
        assert one[name].stat().st_size < LARGEST_BYTES
        with Image.open(one[name]) as picture:
            assert (picture.format, picture.width) == ("PNG", canvas.WIDTH)
            assert picture.info == {}


def test_bars_have_the_colours_of_the_legend(tmp_path):
    for path in drawn(tmp_path, USUAL).values():
        assert {(255, 255, 255), *canvas.COLOURS.values()} < colours(path)


def test_what_there_is_nothing_of_has_no_picture(tmp_path):
    nothing = replace(FACTS, lengths=of([]), strategies={}, categories={}, marks={})
    assert plots.write(tmp_path, nothing, {}) == {}
    assert list(tmp_path.iterdir()) == []
    assert list(plots.write(tmp_path, nothing, {"5.0": 3})) == ["scores"]


def test_without_pairs_one_panel_each_is_left(tmp_path):
    for name in ("lengths", "scores"):
        with (
            Image.open(drawn(tmp_path / "with", USUAL)[name]) as two,
            Image.open(drawn(tmp_path / "without", replace(USUAL, lengths=of([30, 90])))[name]) as one,
        ):
            assert (two.height, one.height) == (2 * canvas.PANEL, canvas.PANEL)


@pytest.mark.parametrize("whole", [[1], [7], [1023], [5_000_000]])
def test_one_row_of_any_length_can_be_shown(tmp_path, whole):
    assert canvas.COLOURS[canvas.BLUE] in colours(drawn(tmp_path, replace(USUAL, lengths=of(whole)))["lengths"])


def test_a_share_over_a_limit_is_drawn_where_the_limit_lies():
    some, short = of([500] * 3 + [1500]), of([500] * 3)
    panel = plots.distribution("", {"whole row": some.whole, "completion": some.completion})
    first = next(place for place, words in panel.marks.items() if words == "1,024")
    assert panel.lines == {first: ">1,024: 25.0%"}
    whole, completion = (heights for _, heights in panel.series.values())
    assert (sum(whole[:first]), sum(whole[first:]), sum(completion[first:])) == (3, 1, 0)
    assert plots.distribution("", {"whole row": short.whole, "completion": short.completion}).lines == {}


def test_so_many_names_that_they_do_not_fit_are_taken_together():
    many = {f"name-{number:03}": Mix(100 - number, 10) for number in range(40)}
    shown = plots.gathered(many)
    assert (len(shown), shown[0][0], shown[-1][0]) == (plots.SHOWN, "name-000", "11 others")
    for share in zip(*(shares for _, shares in shown), strict=True):
        assert sum(share) == pytest.approx(1)


@settings(max_examples=25)
@given(st.text(max_size=300))
def test_no_name_is_wider_than_its_place(name):
    drawing = canvas.Canvas(50)
    assert drawing.width(drawing.shortened(name, 200)) <= 200


@given(st.integers(0, 10**9))
def test_an_axis_has_a_few_round_steps_and_holds_the_greatest(most):
    ticks = canvas.steps(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most
    assert 2 <= len(ticks) <= 6
    assert ticks[-2] < max(most, 1)
    assert str(ticks[1]).rstrip("0") in {"1", "2", "5"}
