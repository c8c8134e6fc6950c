"""A small table of what came before says what a dictionary says."""

from hypothesis import given
from hypothesis import strategies as st

from synthgen.text.seen import ROOM, Seen


@given(st.lists(st.text(max_size=2)))
def test_a_text_is_known_by_the_number_it_first_had(texts: list[str]):
    seen, known = Seen(), {}
    for number, text in enumerate(texts):
        assert seen.add(text, number) == known.get(text)
        known.setdefault(text, number)


def test_the_table_grows_and_forgets_nothing():
    seen, many = Seen(), 5 * ROOM
    assert all(seen.add(f"row-{number}", number) is None for number in range(many))
    assert all(seen.add(f"row-{number}", 0) == number for number in range(many))
