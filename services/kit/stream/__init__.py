"""Facts between services: an outbox in the owner's database, a Redis stream, consumers that count each fact once.

The relay stamps committed outbox rows with gapless sequences, and a row's sequence is its entry id in the stream, so publishing again
is harmless and a gap shows. A consumer commits its position with the effect. Nothing is lost when Redis is: the relay publishes
again from the slowest known position, and a consumer that finds a gap asks it to rewind.
"""

from services.kit.stream.consumer import Consumer
from services.kit.stream.facts import Envelope
from services.kit.stream.keys import StreamKeys, last_sequence
from services.kit.stream.outbox import StreamTables, add_stream_tables, publish
from services.kit.stream.relay import Relay

__all__ = [
    "Consumer",
    "Envelope",
    "Relay",
    "StreamKeys",
    "StreamTables",
    "add_stream_tables",
    "last_sequence",
    "publish",
]
