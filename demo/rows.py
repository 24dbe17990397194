"""The world in the shapes that the platform's API and its import files have."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from demo.catalogue import Item
from demo.clock import Calendar
from demo.journey import Event
from demo.people import Person
from demo.world import World

Row = dict[str, Any]
NOTICE_VERSION = "demo-2026.1"


def item_body(item: Item, calendar: Calendar) -> Row:
    """One item of `POST /v1/items`."""
    return {
        "item_id": item.item_id,
        "title": dict(item.title),
        "categories": list(item.categories),
        "price": {"amount": str(item.price), "currency": "CNY"},
        "language": item.language,
        "description": dict(item.description),
        "published_at": calendar.published_at(item.published_day).isoformat(),
    }


def item_row(item: Item, calendar: Calendar) -> Row:
    """One row of an item file: its title is in the language of the item."""
    return {
        "item_id": item.item_id,
        "title": item.title[item.language],
        "categories": "|".join(item.categories),
        "price": str(item.price),
        "currency": "CNY",
        "language": item.language,
        "description": item.description[item.language],
        "published_at": calendar.published_at(item.published_day).isoformat(),
    }


def event_row(event: Event, calendar: Calendar, seed: int) -> Row:
    """One row of an event file; money only where money moved."""
    row: Row = {
        "user_id": event.user_id,
        "item_id": event.item_id,
        "timestamp": calendar.epoch_ms(event.day),
        "message_id": f"{event.user_id}-{seed}-{event.number}",
        "type": event.type,
        "properties": event.properties,
    }
    if event.value is not None:
        row |= {"value": event.value, "currency": "CNY"}
    return row


def identify_message(person: Person, seed: int) -> Row:
    """One message of `POST /v1/batch`."""
    return {
        "type": "identify",
        "message_id": f"{person.user_id}-{seed}-identify",
        "user_id": person.user_id,
        "traits": dict(person.facts),
    }


def consent_records(world: World) -> Iterator[Row]:
    """Every consent that was given or refused, person by person."""
    for person in world.people:
        for purpose, granted in person.consents.items():
            record = {"user_id": person.user_id, "purpose": purpose, "granted": granted}
            yield record | {"notice_version": NOTICE_VERSION}


def campaigns() -> Mapping[str, Row]:
    """Bodies of `PUT /v1/campaigns/{campaign_id}` by id."""
    text = Path(__file__).with_name("campaigns.json").read_text(encoding="utf-8")
    return cast(Mapping[str, Row], json.loads(text))
