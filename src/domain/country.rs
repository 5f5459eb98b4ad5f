//! A country, by its two letters.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A country of ISO 3166-1 (and Kosovo, which has only a code by custom). Holds no other letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of two capital letters; `None` where no country has them.
    #[must_use]
    pub fn from_code(code: [u8; 2]) -> Option<Self> {
        position(code).map(|_| Self(code))
    }

    /// Reads two letters, capital or small; `None` where no country has them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        Self::from_code(code.map(|letter| letter.to_ascii_uppercase()))
    }

    /// Reads two letters, or the usual English name in any case.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let by_name = || {
            let wanted = text.to_lowercase();
            Self::all().find(|country| country.name().to_lowercase() == wanted)
        };
        Self::parse(text).or_else(by_name)
    }

    /// The two capital letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Both are ASCII letters by construction, so the fallback is never seen.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The country's usual English name.
    #[must_use]
    pub fn name(self) -> &'static str {
        position(self.0).and_then(|at| NAMES.get(at)).map_or("", |(_, name)| name)
    }

    /// Every country, in the order of the letters.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(code, _)| Self(*code))
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Country({})", self.as_str())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::words::read_word(deserializer, Self::parse, "the two letters of a country")
    }
}

fn position(code: [u8; 2]) -> Option<usize> {
    NAMES.binary_search_by(|(known, _)| known.cmp(&code)).ok()
}

/// Sorted by code, so that it can be searched.
static NAMES: &[([u8; 2], &str)] = &[
    (*b"AD", "Andorra"),
    (*b"AE", "United Arab Emirates"),
    (*b"AF", "Afghanistan"),
    (*b"AG", "Antigua and Barbuda"),
    (*b"AI", "Anguilla"),
    (*b"AL", "Albania"),
    (*b"AM", "Armenia"),
    (*b"AO", "Angola"),
    (*b"AQ", "Antarctica"),
    (*b"AR", "Argentina"),
    (*b"AS", "American Samoa"),
    (*b"AT", "Austria"),
    (*b"AU", "Australia"),
    (*b"AW", "Aruba"),
    (*b"AX", "Åland Islands"),
    (*b"AZ", "Azerbaijan"),
    (*b"BA", "Bosnia and Herzegovina"),
    (*b"BB", "Barbados"),
    (*b"BD", "Bangladesh"),
    (*b"BE", "Belgium"),
    (*b"BF", "Burkina Faso"),
    (*b"BG", "Bulgaria"),
    (*b"BH", "Bahrain"),
    (*b"BI", "Burundi"),
    (*b"BJ", "Benin"),
    (*b"BL", "Saint Barthélemy"),
    (*b"BM", "Bermuda"),
    (*b"BN", "Brunei"),
    (*b"BO", "Bolivia"),
    (*b"BQ", "Bonaire, Sint Eustatius and Saba"),
    (*b"BR", "Brazil"),
    (*b"BS", "Bahamas"),
    (*b"BT", "Bhutan"),
    (*b"BV", "Bouvet Island"),
    (*b"BW", "Botswana"),
    (*b"BY", "Belarus"),
    (*b"BZ", "Belize"),
    (*b"CA", "Canada"),
    (*b"CC", "Cocos (Keeling) Islands"),
    (*b"CD", "Congo (Kinshasa)"),
    (*b"CF", "Central African Republic"),
    (*b"CG", "Congo (Brazzaville)"),
    (*b"CH", "Switzerland"),
    (*b"CI", "Côte d'Ivoire"),
    (*b"CK", "Cook Islands"),
    (*b"CL", "Chile"),
    (*b"CM", "Cameroon"),
    (*b"CN", "China"),
    (*b"CO", "Colombia"),
    (*b"CR", "Costa Rica"),
    (*b"CU", "Cuba"),
    (*b"CV", "Cape Verde"),
    (*b"CW", "Curaçao"),
    (*b"CX", "Christmas Island"),
    (*b"CY", "Cyprus"),
    (*b"CZ", "Czechia"),
    (*b"DE", "Germany"),
    (*b"DJ", "Djibouti"),
    (*b"DK", "Denmark"),
    (*b"DM", "Dominica"),
    (*b"DO", "Dominican Republic"),
    (*b"DZ", "Algeria"),
    (*b"EC", "Ecuador"),
    (*b"EE", "Estonia"),
    (*b"EG", "Egypt"),
    (*b"EH", "Western Sahara"),
    (*b"ER", "Eritrea"),
    (*b"ES", "Spain"),
    (*b"ET", "Ethiopia"),
    (*b"FI", "Finland"),
    (*b"FJ", "Fiji"),
    (*b"FK", "Falkland Islands"),
    (*b"FM", "Micronesia"),
    (*b"FO", "Faroe Islands"),
    (*b"FR", "France"),
    (*b"GA", "Gabon"),
    (*b"GB", "United Kingdom"),
    (*b"GD", "Grenada"),
    (*b"GE", "Georgia"),
    (*b"GF", "French Guiana"),
    (*b"GG", "Guernsey"),
    (*b"GH", "Ghana"),
    (*b"GI", "Gibraltar"),
    (*b"GL", "Greenland"),
    (*b"GM", "Gambia"),
    (*b"GN", "Guinea"),
    (*b"GP", "Guadeloupe"),
    (*b"GQ", "Equatorial Guinea"),
    (*b"GR", "Greece"),
    (*b"GS", "South Georgia and the South Sandwich Islands"),
    (*b"GT", "Guatemala"),
    (*b"GU", "Guam"),
    (*b"GW", "Guinea-Bissau"),
    (*b"GY", "Guyana"),
    (*b"HK", "Hong Kong"),
    (*b"HM", "Heard Island and McDonald Islands"),
    (*b"HN", "Honduras"),
    (*b"HR", "Croatia"),
    (*b"HT", "Haiti"),
    (*b"HU", "Hungary"),
    (*b"ID", "Indonesia"),
    (*b"IE", "Ireland"),
    (*b"IL", "Israel"),
    (*b"IM", "Isle of Man"),
    (*b"IN", "India"),
    (*b"IO", "British Indian Ocean Territory"),
    (*b"IQ", "Iraq"),
    (*b"IR", "Iran"),
    (*b"IS", "Iceland"),
    (*b"IT", "Italy"),
    (*b"JE", "Jersey"),
    (*b"JM", "Jamaica"),
    (*b"JO", "Jordan"),
    (*b"JP", "Japan"),
    (*b"KE", "Kenya"),
    (*b"KG", "Kyrgyzstan"),
    (*b"KH", "Cambodia"),
    (*b"KI", "Kiribati"),
    (*b"KM", "Comoros"),
    (*b"KN", "Saint Kitts and Nevis"),
    (*b"KP", "North Korea"),
    (*b"KR", "South Korea"),
    (*b"KW", "Kuwait"),
    (*b"KY", "Cayman Islands"),
    (*b"KZ", "Kazakhstan"),
    (*b"LA", "Laos"),
    (*b"LB", "Lebanon"),
    (*b"LC", "Saint Lucia"),
    (*b"LI", "Liechtenstein"),
    (*b"LK", "Sri Lanka"),
    (*b"LR", "Liberia"),
    (*b"LS", "Lesotho"),
    (*b"LT", "Lithuania"),
    (*b"LU", "Luxembourg"),
    (*b"LV", "Latvia"),
    (*b"LY", "Libya"),
    (*b"MA", "Morocco"),
    (*b"MC", "Monaco"),
    (*b"MD", "Moldova"),
    (*b"ME", "Montenegro"),
    (*b"MF", "Saint Martin"),
    (*b"MG", "Madagascar"),
    (*b"MH", "Marshall Islands"),
    (*b"MK", "North Macedonia"),
    (*b"ML", "Mali"),
    (*b"MM", "Myanmar"),
    (*b"MN", "Mongolia"),
    (*b"MO", "Macao"),
    (*b"MP", "Northern Mariana Islands"),
    (*b"MQ", "Martinique"),
    (*b"MR", "Mauritania"),
    (*b"MS", "Montserrat"),
    (*b"MT", "Malta"),
    (*b"MU", "Mauritius"),
    (*b"MV", "Maldives"),
    (*b"MW", "Malawi"),
    (*b"MX", "Mexico"),
    (*b"MY", "Malaysia"),
    (*b"MZ", "Mozambique"),
    (*b"NA", "Namibia"),
    (*b"NC", "New Caledonia"),
    (*b"NE", "Niger"),
    (*b"NF", "Norfolk Island"),
    (*b"NG", "Nigeria"),
    (*b"NI", "Nicaragua"),
    (*b"NL", "Netherlands"),
    (*b"NO", "Norway"),
    (*b"NP", "Nepal"),
    (*b"NR", "Nauru"),
    (*b"NU", "Niue"),
    (*b"NZ", "New Zealand"),
    (*b"OM", "Oman"),
    (*b"PA", "Panama"),
    (*b"PE", "Peru"),
    (*b"PF", "French Polynesia"),
    (*b"PG", "Papua New Guinea"),
    (*b"PH", "Philippines"),
    (*b"PK", "Pakistan"),
    (*b"PL", "Poland"),
    (*b"PM", "Saint Pierre and Miquelon"),
    (*b"PN", "Pitcairn Islands"),
    (*b"PR", "Puerto Rico"),
    (*b"PS", "Palestine"),
    (*b"PT", "Portugal"),
    (*b"PW", "Palau"),
    (*b"PY", "Paraguay"),
    (*b"QA", "Qatar"),
    (*b"RE", "Réunion"),
    (*b"RO", "Romania"),
    (*b"RS", "Serbia"),
    (*b"RU", "Russia"),
    (*b"RW", "Rwanda"),
    (*b"SA", "Saudi Arabia"),
    (*b"SB", "Solomon Islands"),
    (*b"SC", "Seychelles"),
    (*b"SD", "Sudan"),
    (*b"SE", "Sweden"),
    (*b"SG", "Singapore"),
    (*b"SH", "Saint Helena, Ascension and Tristan da Cunha"),
    (*b"SI", "Slovenia"),
    (*b"SJ", "Svalbard and Jan Mayen"),
    (*b"SK", "Slovakia"),
    (*b"SL", "Sierra Leone"),
    (*b"SM", "San Marino"),
    (*b"SN", "Senegal"),
    (*b"SO", "Somalia"),
    (*b"SR", "Suriname"),
    (*b"SS", "South Sudan"),
    (*b"ST", "São Tomé and Príncipe"),
    (*b"SV", "El Salvador"),
    (*b"SX", "Sint Maarten"),
    (*b"SY", "Syria"),
    (*b"SZ", "Eswatini"),
    (*b"TC", "Turks and Caicos Islands"),
    (*b"TD", "Chad"),
    (*b"TF", "French Southern Territories"),
    (*b"TG", "Togo"),
    (*b"TH", "Thailand"),
    (*b"TJ", "Tajikistan"),
    (*b"TK", "Tokelau"),
    (*b"TL", "Timor-Leste"),
    (*b"TM", "Turkmenistan"),
    (*b"TN", "Tunisia"),
    (*b"TO", "Tonga"),
    (*b"TR", "Türkiye"),
    (*b"TT", "Trinidad and Tobago"),
    (*b"TV", "Tuvalu"),
    (*b"TW", "Taiwan"),
    (*b"TZ", "Tanzania"),
    (*b"UA", "Ukraine"),
    (*b"UG", "Uganda"),
    (*b"UM", "United States Minor Outlying Islands"),
    (*b"US", "United States"),
    (*b"UY", "Uruguay"),
    (*b"UZ", "Uzbekistan"),
    (*b"VA", "Vatican City"),
    (*b"VC", "Saint Vincent and the Grenadines"),
    (*b"VE", "Venezuela"),
    (*b"VG", "British Virgin Islands"),
    (*b"VI", "U.S. Virgin Islands"),
    (*b"VN", "Vietnam"),
    (*b"VU", "Vanuatu"),
    (*b"WF", "Wallis and Futuna"),
    (*b"WS", "Samoa"),
    (*b"XK", "Kosovo"),
    (*b"YE", "Yemen"),
    (*b"YT", "Mayotte"),
    (*b"ZA", "South Africa"),
    (*b"ZM", "Zambia"),
    (*b"ZW", "Zimbabwe"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(NAMES.len(), 250, "249 of ISO 3166-1 and Kosovo");
        assert!(NAMES.iter().all(|(code, name)| code.iter().all(u8::is_ascii_uppercase) && !name.is_empty()));
    }

    #[test]
    fn reads_letters_of_either_case_and_refuses_others() {
        assert_eq!(Country::parse("de").unwrap().as_str(), "DE");
        assert_eq!(Country::parse("VN").unwrap().name(), "Vietnam");
        for wrong in ["", "D", "DEU", "ZZ", "UK", "EU", "D1", "\u{e4}"] {
            assert_eq!(Country::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_country_reads_back() {
        for country in Country::all() {
            assert_eq!(Country::parse(country.as_str()), Some(country));
            assert!(!country.name().is_empty());
        }
    }

    #[test]
    fn is_a_string_in_json() {
        let country = Country::parse("br").unwrap();
        assert_eq!(serde_json::to_string(&country).unwrap(), "\"BR\"");
        assert_eq!(serde_json::from_str::<Country>("\"BR\"").unwrap(), country);
        assert!(serde_json::from_str::<Country>("\"??\"").is_err());
    }
}
