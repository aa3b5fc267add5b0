"""Values that travel come out as they went in."""

from hypothesis import given
from hypothesis import strategies as st

from standin import wire

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20) | st.just(wire.UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), plain, max_size=4))
def test_a_message_is_decoded_to_what_was_encoded(values):
    assert wire.decode(wire.encode(values)) == (values, frozenset())


@given(st.dictionaries(st.sampled_from("abcd"), plain, max_size=4), st.frozensets(st.sampled_from("abcd")))
def test_a_secret_keeps_its_value_and_is_told(values, keys):
    message = wire.encode(values)
    wire.mark_secret(message, keys)
    wire.mark_secret(message, keys)  # once is enough
    assert wire.decode(message) == (values, keys & values.keys())
    hidden, _ = wire.decode(message, hide_secrets=True)
    assert all(hidden[key] == "[secret]" for key in keys & values.keys())
