"""Words that mean the same to somebody reporting trouble, by language. A site may pass a table of its own.

The English word stands first in each concept and again in the other languages, which ties them together.
"""

from __future__ import annotations

from types import MappingProxyType

from policies.conditions.words import Synonyms

DEFAULT_SYNONYMS: Synonyms = MappingProxyType(
    {
        "en": (
            ("outage", "down", "unavailable", "offline", "not reachable", "unreachable"),
            ("slow", "latency", "sluggish", "timeout", "timeouts", "timed out"),
            ("payment", "payments", "checkout", "card payment", "charge"),
            ("login", "sign in", "signin", "log in", "authentication", "sso", "password"),
            ("database", "db", "postgres", "postgresql", "mysql"),
            ("network", "dns", "vpn", "connectivity", "packet loss"),
            ("breach", "intrusion", "compromised", "leak", "data leak", "hacked"),
            ("corruption", "corrupt", "corrupted", "data loss", "lost data"),
        ),
        "it": (
            ("outage", "guasto", "fuori servizio", "non raggiungibile", "irraggiungibile", "non funziona"),
            ("slow", "lento", "lenta", "latenza", "rallentamento"),
            ("payment", "pagamento", "pagamenti", "cassa"),
            ("login", "accesso", "autenticazione", "accedere"),
            ("database", "base dati", "banca dati"),
            ("network", "rete", "connettività"),
            ("breach", "violazione", "intrusione", "compromesso", "fuga di dati"),
            ("corruption", "corruzione", "danneggiati", "dati persi", "perdita di dati"),
        ),
        "nl": (
            ("outage", "storing", "onbereikbaar", "niet bereikbaar", "werkt niet", "uitval"),
            ("slow", "traag", "langzaam", "vertraging"),
            ("payment", "betaling", "betalingen", "kassa", "afrekenen"),
            ("login", "inloggen", "aanmelden", "authenticatie", "wachtwoord"),
            ("database", "gegevensbank"),
            ("network", "netwerk", "verbinding"),
            ("breach", "datalek", "inbraak", "gehackt", "lek"),
            ("corruption", "beschadigd", "gegevensverlies", "dataverlies"),
        ),
    }
)
