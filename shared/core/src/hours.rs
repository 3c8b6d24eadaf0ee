//! The hours in which a person may get a text, in that person's own time.

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use thiserror::Error;

use crate::{
    phone::{CallingCode, E164Phone, Region},
    time::UnixMillis,
};

/// A time zone: a place of the tz database, or a fixed offset from UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Reads `Australia/Sydney` or `+11:00`. `None` when there is no such zone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(offset) = parse_offset(text) {
            return Some(Self(TimeZone::fixed(offset)));
        }
        TimeZone::get(text).ok().map(Self)
    }

    /// Reads several; names that are no zones are left out.
    #[must_use]
    pub fn parse_all(names: &[String]) -> Vec<Self> {
        names.iter().filter_map(|name| Self::parse(name)).collect()
    }
}

fn parse_offset(text: &str) -> Option<jiff::tz::Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let seconds =
        hours.parse::<i32>().ok()?.checked_mul(3600)?.checked_add(minutes.parse::<i32>().ok()?.checked_mul(60)?)?;
    jiff::tz::Offset::from_seconds(seconds.checked_mul(sign)?).ok()
}

/// The UTC offset at the end of an ISO 8601 time, as a zone's name; Shopify writes the shop's.
#[must_use]
pub fn offset_of(iso: &str) -> Option<String> {
    if iso.ends_with('Z') {
        return Some("+00:00".into());
    }
    let tail = iso.get(iso.len().checked_sub(6)?..)?;
    parse_offset(tail).map(|_| tail.to_owned())
}

/// Minutes of a day, `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    start: u16,
    end: u16,
}

/// Allowed hours by weekday, Monday first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHours([Option<Window>; 7]);

/// Why a text does not describe allowed hours.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "\"{part}\" is not like \"Mon-Sat 10:00-17:00\" (days Mon Tue Wed Thu Fri Sat Sun; times 00:00 to 24:00, the later last; several parts are separated by ';', each day in one of them)"
)]
pub struct BadHours {
    part: String,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl AllowedHours {
    /// Reads `Mon-Fri 09:00-20:00; Sat 09:00-17:00`.
    ///
    /// # Errors
    /// [`BadHours`] names the part that cannot be read. At least one day must be open.
    pub fn parse(text: &str) -> Result<Self, BadHours> {
        let mut week = [None; 7];
        for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let bad = || BadHours { part: part.chars().take(60).collect() };
            let (days, times) = part.split_once(' ').ok_or_else(bad)?;
            let (first, last) = days.split_once('-').unwrap_or((days, days));
            let (first, last) = (day(first).ok_or_else(bad)?, day(last).ok_or_else(bad)?);
            let (start, end) = times.trim().split_once('-').ok_or_else(bad)?;
            let window = Window { start: minute(start).ok_or_else(bad)?, end: minute(end).ok_or_else(bad)? };
            if window.start >= window.end || first > last {
                return Err(bad());
            }
            for slot in week.iter_mut().take(last + 1).skip(first) {
                // One window a day: a second one would silently replace the first.
                if slot.replace(window).is_some() {
                    return Err(bad());
                }
            }
        }
        if week.iter().all(Option::is_none) {
            return Err(BadHours { part: text.chars().take(60).collect() });
        }
        Ok(Self(week))
    }

    /// The first moment from `at` on that is allowed in all of `zones`. `None` when the zones are none, or so far apart
    /// that no such moment comes within two weeks: then nobody knows, and nobody guesses.
    #[must_use]
    pub fn next_open(&self, at: UnixMillis, zones: &[Zone]) -> Option<UnixMillis> {
        if zones.is_empty() {
            return None;
        }
        let limit = at.plus(crate::time::DAY * 14);
        let mut moment = at;
        while moment <= limit {
            let latest = zones
                .iter()
                .map(|zone| self.next_open_in(moment, zone))
                .try_fold(moment, |l, n| n.map(|n| l.max(n)))?;
            if latest == moment {
                return Some(moment);
            }
            moment = latest;
        }
        None
    }

    fn next_open_in(&self, at: UnixMillis, zone: &Zone) -> Option<UnixMillis> {
        let local = Timestamp::from_millisecond(at.get()).ok()?.to_zoned(zone.0.clone());
        let mut date = local.date();
        for ahead in 0..=7 {
            if let Some(window) = self.window(date.weekday()) {
                let opens = edge(date, window.start, zone)?;
                let closes = edge(date, window.end, zone)?;
                if ahead > 0 || at < opens {
                    if opens < closes {
                        return Some(opens.max(at));
                    }
                } else if at < closes {
                    return Some(at);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The days that are open, Monday first, with the minutes of the day at which they open and close.
    pub(crate) fn days(&self) -> impl Iterator<Item = (&'static str, u16, u16)> {
        DAYS.iter().zip(self.0).filter_map(|(day, window)| window.map(|window| (*day, window.start, window.end)))
    }

    fn window(&self, day: Weekday) -> Option<Window> {
        self.0.get(usize::try_from(day.to_monday_zero_offset()).ok()?).copied().flatten()
    }
}

/// The moment at which a local minute of a day begins; a minute that a clock change skips begins after the gap.
fn edge(date: jiff::civil::Date, minute: u16, zone: &Zone) -> Option<UnixMillis> {
    let (date, minute) = if minute >= 1440 { (date.tomorrow().ok()?, 0) } else { (date, minute) };
    let time = jiff::civil::Time::new(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0).ok()?;
    let zoned = date.to_datetime(time).to_zoned(zone.0.clone()).ok()?;
    Some(UnixMillis::new(zoned.timestamp().as_millisecond()))
}

fn day(text: &str) -> Option<usize> {
    let text = text.trim().to_ascii_lowercase();
    DAYS.iter().position(|d| *d == text)
}

fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let two =
        |t: &str| (t.len() <= 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<u16>().ok()).flatten();
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60).then_some(hours * 60 + minutes).filter(|m| *m <= 1440)
}

/// What is known about where the person is who gets the text.
#[derive(Clone, Copy, Debug)]
pub struct Whereabouts<'a> {
    /// The shipping address's own zone, which only the shop's API tells.
    pub time_zone: Option<&'a str>,
    /// Country of the shipping address, two capitals.
    pub country: Option<&'a str>,
    /// Province of the shipping address, Shopify's code.
    pub province: Option<&'a str>,
    /// The number that the text goes to.
    pub phone: &'a E164Phone,
    /// The shop's own offset from UTC.
    pub shop_offset: Option<&'a str>,
}

/// The zones in which the hour has to be allowed, best knowledge first: by address, else by number, else the shop's (the
/// order of `docs/CONFIGURATION.md`). A place with several zones yields all of them.
///
/// A parcel that goes to another country than the number's is most likely a present. The text goes to the number, so its
/// zones count too, and alone where no hour suits both.
fn zones_of(place: Whereabouts<'_>) -> Vec<Vec<String>> {
    let by_table = place.country.map(|c| zones_of_address(c, place.province)).unwrap_or_default();
    let by_address = place.time_zone.map_or_else(|| by_table.to_vec(), |zone| vec![zone]);
    let by_phone = zones_of_phone(place.phone);
    let shop: Vec<&str> = place.shop_offset.into_iter().collect();
    let choices = match (by_address.is_empty(), is_abroad(place)) {
        (false, false) => vec![by_address],
        (false, true) => vec![[by_address, by_phone.clone()].concat(), by_phone],
        (true, _) => vec![by_phone, shop],
    };
    let owned = |zones: Vec<&str>| zones.into_iter().map(str::to_owned).collect::<Vec<_>>();
    choices.into_iter().map(owned).filter(|zones| !zones.is_empty()).collect()
}

fn is_abroad(place: Whereabouts<'_>) -> bool {
    let region = place.country.and_then(|c| Region::try_from(c).ok());
    let address = region.and_then(CallingCode::of_region);
    address.is_some() && address != place.phone.calling_code()
}

impl AllowedHours {
    /// The first moment from `at` on at which the person may get a text, and the zones that this holds in. `None` when
    /// nothing that is known about the place leaves such a moment.
    #[must_use]
    pub fn opening(&self, at: UnixMillis, place: Whereabouts<'_>) -> Option<(UnixMillis, Vec<String>)> {
        zones_of(place).into_iter().find_map(|zones| Some((self.next_open(at, &Zone::parse_all(&zones))?, zones)))
    }
}

/// Where the table only knows the country, it lists every islet of it, and no hour suits all; the zones in which nearly
/// everybody lives are the better answer.
fn zones_of_phone(phone: &E164Phone) -> Vec<&'static str> {
    let listed = zones_by_prefix(phone);
    let country = match phone.calling_code().map(CallingCode::get) {
        Some(1) if listed.len() > 8 => "US",
        Some(61) if listed.len() > 1 => "AU",
        Some(64) if listed.len() > 1 => "NZ",
        _ => return listed,
    };
    zones_of_address(country, None).to_vec()
}

/// Google's map of number prefixes to time zones (Apache-2.0 data), longest prefix wins.
const PHONE_ZONES: &str = include_str!("../data/phone_time_zones.tsv");

fn zones_by_prefix(phone: &E164Phone) -> Vec<&'static str> {
    zones_of_number(phone.expose().trim_start_matches('+'))
}

/// The zones in which a number, or all numbers of a calling code, may be; as digits, without the plus sign.
#[must_use]
pub fn zones_of_number(digits: &str) -> Vec<&'static str> {
    PHONE_ZONES
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(prefix, _)| digits.starts_with(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .map(|(_, zones)| zones.split('&').collect())
        .unwrap_or_default()
}

/// Zones of a country or of one of its provinces; empty when not known. Countries with more zones than this table
/// tells apart list all that have a city in them.
fn zones_of_address(country: &str, province: Option<&str>) -> &'static [&'static str] {
    match (country, province) {
        ("AU", Some("NSW" | "ACT")) => &["Australia/Sydney"],
        ("AU", Some("VIC")) => &["Australia/Melbourne"],
        ("AU", Some("QLD")) => &["Australia/Brisbane"],
        ("AU", Some("SA")) => &["Australia/Adelaide"],
        ("AU", Some("NT")) => &["Australia/Darwin"],
        ("AU", Some("WA")) => &["Australia/Perth"],
        ("AU", Some("TAS")) => &["Australia/Hobart"],
        ("AU", _) => {
            &["Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Darwin", "Australia/Perth"]
        }
        ("NZ", _) => &["Pacific/Auckland"],
        ("US", Some(state)) => us_zones(state),
        ("US", None) => US_ALL,
        ("CA", Some(province)) => ca_zones(province),
        ("CA", None) => &[
            "America/Vancouver",
            "America/Edmonton",
            "America/Regina",
            "America/Winnipeg",
            "America/Toronto",
            "America/Halifax",
            "America/St_Johns",
        ],
        ("GB", _) => &["Europe/London"],
        ("IE", _) => &["Europe/Dublin"],
        ("DE", _) => &["Europe/Berlin"],
        ("FR", _) => &["Europe/Paris"],
        ("AT", _) => &["Europe/Vienna"],
        ("CH", _) => &["Europe/Zurich"],
        ("NL", _) => &["Europe/Amsterdam"],
        ("BE", _) => &["Europe/Brussels"],
        ("IT", _) => &["Europe/Rome"],
        ("ES", _) => &["Europe/Madrid", "Atlantic/Canary"],
        ("PT", _) => &["Europe/Lisbon", "Atlantic/Azores"],
        ("DK", _) => &["Europe/Copenhagen"],
        ("SE", _) => &["Europe/Stockholm"],
        ("NO", _) => &["Europe/Oslo"],
        ("FI", _) => &["Europe/Helsinki"],
        ("PL", _) => &["Europe/Warsaw"],
        ("SG", _) => &["Asia/Singapore"],
        ("HK", _) => &["Asia/Hong_Kong"],
        ("JP", _) => &["Asia/Tokyo"],
        ("IN", _) => &["Asia/Kolkata"],
        ("ZA", _) => &["Africa/Johannesburg"],
        ("AE", _) => &["Asia/Dubai"],
        _ => &[],
    }
}

const US_ALL: &[&str] = &[
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
];

/// States that lie in two zones list both.
fn us_zones(state: &str) -> &'static [&'static str] {
    match state {
        "CT" | "DC" | "DE" | "GA" | "MA" | "MD" | "ME" | "NC" | "NH" | "NJ" | "NY" | "OH" | "PA" | "RI" | "SC"
        | "VA" | "VT" | "WV" => &["America/New_York"],
        "FL" | "IN" | "KY" | "MI" | "TN" => &["America/New_York", "America/Chicago"],
        "AL" | "AR" | "IA" | "IL" | "LA" | "MN" | "MO" | "MS" | "OK" | "WI" => &["America/Chicago"],
        "KS" | "ND" | "NE" | "SD" | "TX" => &["America/Chicago", "America/Denver"],
        "CO" | "MT" | "NM" | "UT" | "WY" => &["America/Denver"],
        "AZ" => &["America/Phoenix", "America/Denver"],
        "ID" | "OR" => &["America/Denver", "America/Los_Angeles"],
        "CA" | "WA" => &["America/Los_Angeles"],
        "NV" => &["America/Los_Angeles", "America/Denver"],
        "AK" => &["America/Anchorage", "America/Adak"],
        "HI" => &["Pacific/Honolulu"],
        "PR" | "VI" => &["America/Puerto_Rico"],
        "GU" | "MP" => &["Pacific/Guam"],
        "AS" => &["Pacific/Pago_Pago"],
        _ => US_ALL,
    }
}

fn ca_zones(province: &str) -> &'static [&'static str] {
    match province {
        "BC" => &["America/Vancouver", "America/Edmonton"],
        "AB" => &["America/Edmonton"],
        "NT" => &["America/Edmonton", "America/Inuvik"],
        "SK" => &["America/Regina", "America/Edmonton"],
        "MB" => &["America/Winnipeg"],
        "ON" => &["America/Toronto", "America/Winnipeg"],
        "QC" => &["America/Toronto", "America/Halifax"],
        "NB" | "NS" | "PE" => &["America/Halifax"],
        "NL" => &["America/St_Johns", "America/Halifax"],
        "YT" => &["America/Whitehorse"],
        "NU" => &["America/Iqaluit", "America/Winnipeg", "America/Edmonton"],
        _ => &[
            "America/Vancouver",
            "America/Edmonton",
            "America/Regina",
            "America/Winnipeg",
            "America/Toronto",
            "America/Halifax",
            "America/St_Johns",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(iso: &str) -> UnixMillis {
        UnixMillis::new(iso.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn zones(names: &[&str]) -> Vec<Zone> {
        names.iter().map(|n| Zone::parse(n).unwrap_or_else(|| panic!("no zone {n}"))).collect()
    }

    #[test]
    fn the_default_window_opens_monday_to_saturday_from_ten_to_five() {
        let hours = AllowedHours::parse("Mon-Sat 10:00-17:00").unwrap();
        let sydney = zones(&["Australia/Sydney"]);
        let cases = [
            ("2026-11-20T11:00:00+11:00", "2026-11-20T11:00:00+11:00"),
            ("2026-11-20T09:59:59+11:00", "2026-11-20T10:00:00+11:00"),
            ("2026-11-20T17:00:00+11:00", "2026-11-21T10:00:00+11:00"),
            ("2026-11-21T17:00:00+11:00", "2026-11-23T10:00:00+11:00"),
            ("2026-11-22T12:00:00+11:00", "2026-11-23T10:00:00+11:00"),
        ];
        for (from, to) in cases {
            assert_eq!(hours.next_open(at(from), &sydney), Some(at(to)), "{from}");
        }
    }

    #[test]
    fn every_candidate_zone_must_be_open() {
        let hours = AllowedHours::parse("Mon-Sat 10:00-17:00").unwrap();
        let both = zones(&["America/New_York", "America/Los_Angeles"]);
        assert_eq!(hours.next_open(at("2026-11-20T11:00:00-05:00"), &both), Some(at("2026-11-20T13:00:00-05:00")));
        assert_eq!(hours.next_open(at("2026-11-20T11:00:00-05:00"), &[]), None);
        assert_eq!(hours.next_open(at("2026-11-20T11:00:00Z"), &zones(&["Pacific/Auckland", "Europe/London"])), None);
        assert!(hours.next_open(at("2026-07-20T11:00:00Z"), &zones(US_ALL)).is_some());
    }

    #[test]
    fn clock_changes_are_the_zones_business() {
        let hours = AllowedHours::parse("Mon-Sun 02:00-03:00").unwrap();
        // Sydney skips 02:00 to 03:00 on 4 October 2026: that day has no such hour.
        let opens = hours.next_open(at("2026-10-04T00:30:00+10:00"), &zones(&["Australia/Sydney"]));
        assert_eq!(opens, Some(at("2026-10-05T02:00:00+11:00")));
    }

    #[test]
    fn a_window_can_be_the_whole_week() {
        let hours = AllowedHours::parse("Mon-Sun 00:00-24:00").unwrap();
        let moment = at("2026-11-22T23:59:59Z");
        assert_eq!(hours.next_open(moment, &zones(&["+11:00"])), Some(moment));
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for bad in [
            "",
            "Mon",
            "Mon 10-17",
            "Foo 10:00-17:00",
            "Mon 17:00-10:00",
            "Sat-Mon 10:00-17:00",
            "Mon 10:00-25:00",
            "Mon 10:60-11:00",
        ] {
            assert!(AllowedHours::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_zone_in_the_tables_exists() {
        let countries = [
            "AU", "NZ", "US", "CA", "GB", "IE", "DE", "FR", "AT", "CH", "NL", "BE", "IT", "ES", "PT", "DK", "SE", "NO",
            "FI", "PL", "SG", "HK", "JP", "IN", "ZA", "AE",
        ];
        let letters = || b'A'..=b'Z';
        for country in countries {
            for province in letters()
                .flat_map(|a| letters().map(move |b| String::from_utf8(vec![a, b]).unwrap()))
                .chain(["NSW", "ACT", "VIC", "QLD", "TAS"].map(String::from))
            {
                for zone in zones_of_address(country, Some(&province)).iter().chain(zones_of_address(country, None)) {
                    assert!(Zone::parse(zone).is_some(), "{zone}");
                }
            }
        }
        for line in PHONE_ZONES.lines() {
            for zone in line.split_once('\t').map(|(_, z)| z.split('&')).into_iter().flatten() {
                assert!(Zone::parse(zone).is_some(), "{zone}");
            }
        }
    }

    #[test]
    fn address_before_number_before_shop() {
        let phone = E164Phone::parse_e164("+61491570156").unwrap();
        let place = Whereabouts {
            time_zone: None,
            country: Some("AU"),
            province: Some("WA"),
            phone: &phone,
            shop_offset: Some("+11:00"),
        };
        assert_eq!(zones_of(place), [["Australia/Perth"]]);
        assert_eq!(zones_of(Whereabouts { time_zone: Some("Australia/Eucla"), ..place }), [["Australia/Eucla"]]);
        let new_york = E164Phone::parse_e164("+12125550143").unwrap();
        let unknown = Whereabouts { country: None, phone: &new_york, ..place };
        assert_eq!(zones_of(unknown), [["America/New_York"], ["+11:00"]]);
        let nobody = E164Phone::parse_e164("+88810000000").unwrap();
        assert_eq!(zones_of(Whereabouts { country: Some("XX"), phone: &nobody, ..place }).last().unwrap(), &["+11:00"]);
    }

    #[test]
    fn a_present_sent_abroad_does_not_wake_its_buyer() {
        let hours = AllowedHours::parse("Mon-Sun 10:00-17:00").unwrap();
        let phone = E164Phone::parse_e164("+61280000000").unwrap();
        let to = |country, province| Whereabouts {
            time_zone: None,
            country: Some(country),
            province,
            phone: &phone,
            shop_offset: None,
        };
        let noon_in_london = at("2026-11-20T12:00:00Z");
        let (opens, zones) = hours.opening(noon_in_london, to("GB", None)).unwrap();
        assert_eq!((opens, zones), (at("2026-11-21T10:00:00+11:00"), vec!["Australia/Sydney".to_owned()]));
        let (opens, _) = hours.opening(noon_in_london, to("NZ", None)).unwrap();
        assert_eq!(opens, at("2026-11-21T10:00:00+11:00"), "later than ten in Auckland, and both are open");
    }

    #[test]
    fn a_day_has_one_window() {
        assert!(AllowedHours::parse("Mon-Fri 09:00-12:00; Fri 14:00-17:00").is_err());
    }

    #[test]
    fn offsets_are_read_from_times() {
        assert_eq!(offset_of("2026-11-09T09:41:08+11:00").as_deref(), Some("+11:00"));
        assert_eq!(offset_of("2026-11-09T09:41:08Z").as_deref(), Some("+00:00"));
        assert_eq!(offset_of("soon"), None);
        assert_eq!(offset_of("2026-11-09T09:41:08é1:00"), None);
    }
}
