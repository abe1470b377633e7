"""Channel criteria: by which kinds of contact method people are paged for which incident. Pure."""

from policies.channels.deciding import ChannelCriteria, Choice
from policies.channels.document import channels_dump, channels_parse, channels_schema
from policies.channels.sentences import channels_lines
from policies.channels.values import ChannelRule, ChannelsDef
from policies.sentences import channels_words
from policies.ways import KINDS, ways_left

__all__ = [
    "KINDS",
    "ChannelCriteria",
    "ChannelRule",
    "ChannelsDef",
    "Choice",
    "channels_dump",
    "channels_lines",
    "channels_parse",
    "channels_schema",
    "channels_words",
    "ways_left",
]
