"""The synthetic catalogue: 600 bilingual items over seven domains, written by hand in the JSON files of this folder."""

from demo.catalogue.items import DOMAINS, FORMATS, SUFFIX, Item, build_catalogue

__all__ = ["DOMAINS", "FORMATS", "SUFFIX", "Item", "build_catalogue"]
