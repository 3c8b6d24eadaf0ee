//! Where a number comes from: the carrier that it was first given to, and the time zones that it may be in.
//!
//! Both are libphonenumber's maps of prefixes, the longest prefix first. A number keeps its prefix when its owner changes
//! carrier or moves, so they say where it was, and nothing about where anybody is.

use frontdesk_core::{
    hours::zones_of_number,
    phone::{Normalized, NumberType},
};

/// Google's map of number prefixes to carriers in English (Apache-2.0 data).
const CARRIERS: &str = include_str!("../../data/phone_carriers.tsv");

/// Calling codes of the countries where mobiles have area codes.
const MOBILES_WITH_AREAS: [u16; 5] = [52, 54, 55, 62, 86];

/// The carrier that the number was first given to. Landlines and service numbers have none; nor have the numbers of countries
/// whose plan does not tell.
pub(super) fn original_carrier(number: &Normalized) -> Option<&'static str> {
    let has_one = match number.number_type {
        NumberType::Mobile | NumberType::FixedLineOrMobile | NumberType::Pager => true,
        NumberType::FixedLine
        | NumberType::TollFree
        | NumberType::PremiumRate
        | NumberType::SharedCost
        | NumberType::Voip
        | NumberType::PersonalNumber
        | NumberType::Uan
        | NumberType::Voicemail
        | NumberType::Unknown => false,
    };
    let digits = number.e164.expose().trim_start_matches('+');
    let listed = || {
        let entries = CARRIERS.lines().filter_map(|line| line.split_once('\t'));
        let ours = entries.filter(|(prefix, _)| digits.starts_with(prefix));
        ours.max_by_key(|(prefix, _)| prefix.len()).map(|(_, carrier)| carrier)
    };
    has_one.then(listed).flatten().filter(|carrier| !carrier.is_empty())
}

/// The time zones that the number may be in, by the tz database's names.
pub(super) fn time_zones(number: &Normalized) -> Vec<&'static str> {
    let has_area = match number.number_type {
        NumberType::FixedLine | NumberType::FixedLineOrMobile => true,
        NumberType::Mobile => MOBILES_WITH_AREAS.contains(&number.calling_code.get()),
        NumberType::TollFree
        | NumberType::PremiumRate
        | NumberType::SharedCost
        | NumberType::Voip
        | NumberType::PersonalNumber
        | NumberType::Pager
        | NumberType::Uan
        | NumberType::Voicemail
        | NumberType::Unknown => false,
    };
    if has_area {
        zones_of_number(number.e164.expose().trim_start_matches('+'))
    } else {
        zones_of_number(&number.calling_code.get().to_string())
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::phone::normalize;

    use super::*;

    /// What libphonenumber itself says of the corpus's numbers.
    #[test]
    fn carriers_and_zones_are_those_of_the_corpus() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/phone/carrier_tz_dev.csv");
        let mut corpus = csv::Reader::from_path(path).unwrap();
        let (mut rows, mut wrong) = (0, Vec::new());
        for row in corpus.records() {
            let row = row.unwrap();
            let (e164, carrier, zones) = (&row[0], &row[3], &row[6]);
            let number = normalize(e164, None).unwrap();
            let said = (original_carrier(&number).unwrap_or_default(), time_zones(&number).join("|"));
            rows += 1;
            if said.0 != carrier || !same(&said.1, zones) {
                wrong.push(format!("{e164} {:?}: {said:?}, not {carrier:?} {zones:?}", number.number_type));
            }
        }
        assert_eq!(rows, 2_598);
        assert!(wrong.is_empty(), "{} of {rows}, such as {:#?}", wrong.len(), &wrong[..wrong.len().min(8)]);
    }

    fn same(ours: &str, theirs: &str) -> bool {
        let set = |text: &str| {
            let mut zones: Vec<String> = text.split(['|', '&', ';', ',']).map(|z| z.trim().to_owned()).collect();
            zones.sort_unstable();
            zones.dedup();
            zones
        };
        set(ours) == set(theirs)
    }
}
