"""Snowplow: enriched events, tab-separated, 131 columns and no header.

What is odd: of five times `derived_tstamp` is the event's (the device's clock corrected, UTC); a structured event is
named by `se_action`, any other by `event_name`; the properties of a self-describing event are JSON within JSON. The
key is event id and fingerprint: the same id with another fingerprint is another event. Nothing is quoted.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source
from metrics.files.json_records import mended
from metrics.files.kinds import as_utf8
from metrics.files.raw import Broken
from metrics.files.records import Raw, System, filled, from_line, make, others
from metrics.files.refusal import shorten

NAMES = """
app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker v_collector
v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country geo_region
geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url
page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery page_urlfragment
refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium refr_source refr_term
mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action se_label se_property se_value
unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku
ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name
br_family br_version br_type br_renderengine br_lang br_features_pdf br_features_flash br_features_java
br_features_director br_features_quicktime br_features_realplayer br_features_windowsmedia br_features_gears
br_features_silverlight br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer
os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height tr_currency
tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network
etl_tags dvce_sent_tstamp refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp
event_vendor event_name event_format event_version event_fingerprint true_tstamp
""".split()  # noqa: SIM905
STAMP = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
PLAIN = True
USED = {"event_id", "user_id", "domain_userid", "event", "event_name", "derived_tstamp", "unstruct_event"}


def recognise(sample: Sample) -> str | None:
    """131 columns without a header, a stamp and a UUID where they belong."""
    if sample.kind != "text":
        return None
    fields = sample.text.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r").split("\t")
    if len(fields) != len(NAMES) or not STAMP.match(fields[3]) or not UUID.fullmatch(fields[6]):
        return None
    return f"{len(NAMES)} tab-separated columns without a header"


def parse(sources: Sequence[Source]) -> Parsed:
    """Read all files as one export."""
    made = make([(source.name, _read(source), _row) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system, made.identities)


def _read(source: Source) -> Raw:
    text = as_utf8(source.read(), source.name, None)
    records: list[dict[str, Any]] = []
    lines: list[int] = []
    broken: list[Broken] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        fields = line.decode("utf-8", "replace").rstrip("\r").split("\t")
        if fields == [""]:
            continue
        if len(fields) != len(NAMES):
            broken.append(Broken(number, "wrong number of fields", shorten(line.decode("utf-8", "replace"))))
            continue
        records.append(filled(dict(zip(NAMES, fields, strict=True))))
        lines.append(number)
    return from_line(source, records, lines, broken)


def _row(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    name = row.get("event_name") or row.get("event")
    if row.get("event") == "struct":
        name = row.get("se_action") or name
    yield {
        "user_id": row.get("user_id"),
        "anonymous_id": row.get("domain_userid"),
        "event": name,
        "timestamp": row.get("derived_tstamp") or row.get("collector_tstamp"),
        "event_id": row["event_id"],
        KEY: f"{row['event_id']}:{row.get('event_fingerprint', '')}",
        **others(row, USED),
        "properties": _told(row.get("unstruct_event")),
    }


def _told(text: str | None) -> dict[str, Any]:
    """The properties of a self-describing event, which stand in two envelopes."""
    if not text:
        return {}
    try:
        data = mended(json.loads(text), text)["data"]["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"unstruct_event": text}
    return data if isinstance(data, dict) else {"unstruct_event": text}
