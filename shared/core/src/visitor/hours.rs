//! When people answer, for the page to show.

use serde_json::{Value, json};

use crate::{
    hours::{AllowedHours, BadHours, Zone},
    time::UnixMillis,
};

/// The shop's opening hours.
#[derive(Clone, Debug, PartialEq)]
pub struct OpeningHours {
    text: String,
    zone_name: String,
    week: AllowedHours,
    zone: Zone,
}

impl OpeningHours {
    /// Reads `Mon-Fri 09:00-17:00; Sat 09:00-12:00` and a time zone.
    ///
    /// # Errors
    /// [`BadHours`] names the part that cannot be read. `None` when there is no such zone.
    pub fn parse(text: &str, zone: &str) -> Result<Option<Self>, BadHours> {
        let week = AllowedHours::parse(text)?;
        let found = Zone::parse(zone);
        Ok(found.map(|found| Self { text: text.trim().to_owned(), zone_name: zone.to_owned(), week, zone: found }))
    }

    /// As a page shows them, and whether people are there at `now`.
    #[must_use]
    pub fn to_json(&self, now: UnixMillis) -> Value {
        let open = self.week.next_open(now, std::slice::from_ref(&self.zone)) == Some(now);
        let week: Vec<Value> = self
            .week
            .days()
            .map(|(day, opens, closes)| json!({ "day": day, "opens": clock(opens), "closes": clock(closes) }))
            .collect();
        json!({ "text": self.text, "time_zone": self.zone_name, "open_now": open, "week": week })
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20 is a Friday; 00:30 UTC is 11:30 in Sydney.
    const FRIDAY: UnixMillis = UnixMillis::new(1_795_134_600_000);

    #[test]
    fn a_page_learns_the_week_and_whether_somebody_is_there() {
        let hours = OpeningHours::parse("Mon-Fri 09:00-17:00; Sat 09:00-12:30", "Australia/Sydney").unwrap().unwrap();
        let shown = hours.to_json(FRIDAY);
        assert_eq!((shown["open_now"].clone(), shown["week"].as_array().unwrap().len()), (json!(true), 6));
        assert_eq!(shown["week"][5], json!({"day": "sat", "opens": "09:00", "closes": "12:30"}));
        let night = FRIDAY.plus(std::time::Duration::from_secs(10 * 3_600));
        assert_eq!(hours.to_json(night)["open_now"], json!(false));
    }

    #[test]
    fn what_is_no_time_or_place_is_told() {
        assert!(OpeningHours::parse("always", "Australia/Sydney").is_err());
        assert_eq!(OpeningHours::parse("Mon 09:00-10:00", "Atlantis/Lost"), Ok(None));
    }
}
