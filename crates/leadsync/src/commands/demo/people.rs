//! People who might ask at a hospital in India, the United States or Europe.

/// A person as entered by a sales team.
pub struct Person {
    pub first_name: &'static str,
    pub last_name: &'static str,
    pub email: String,
    pub phone: String,
    pub city: &'static str,
    pub country: &'static str,
}

/// Where people come from: names, cities, and how their numbers are written there.
struct Region {
    country: &'static str,
    first_names: &'static [&'static str],
    last_names: &'static [&'static str],
    cities: &'static [&'static str],
    /// `#` stands for a digit, `+` and the rest for themselves.
    numbers: &'static [&'static str],
}

const REGIONS: &[Region] = &[
    Region {
        country: "India",
        first_names: &[
            "Aarav", "Priya", "Rohan", "Ananya", "Vikram", "Sneha", "Arjun", "Kavya", "Imran",
            "Lakshmi", "Harpreet", "Meera", "Suresh", "Fatima", "Nikhil", "Divya",
        ],
        last_names: &[
            "Sharma",
            "Iyer",
            "Patel",
            "Nair",
            "Reddy",
            "Khan",
            "Singh",
            "Das",
            "Kulkarni",
            "Banerjee",
            "Gupta",
            "Menon",
            "Chowdhury",
            "Joshi",
        ],
        cities: &["Pune", "Bengaluru", "Chennai", "Delhi", "Hyderabad", "Kochi", "Kolkata"],
        // Many mobiles begin with 91, the country's own code.
        numbers: &["98########", "91########", "070########", "+91 87######## ", "+91-99########"],
    },
    Region {
        country: "United States",
        first_names: &[
            "Emily", "James", "Olivia", "Michael", "Sofia", "Ethan", "Hannah", "Carlos", "Grace",
            "Tyler",
        ],
        last_names: &[
            "Johnson", "Garcia", "O'Brien", "Nguyen", "Williams", "Martinez", "Davis", "Kim",
            "Anderson",
        ],
        cities: &["Austin", "Boston", "Chicago", "Denver", "Seattle", "San Jose"],
        numbers: &["+1 (512) 55#-####", "+1-617-55#-####", "+1 30355#####"],
    },
    Region {
        country: "Europe",
        first_names: &[
            "Zoë",
            "Jürgen",
            "François",
            "Łukasz",
            "Søren",
            "Chiara",
            "Marta",
            "Siobhán",
            "Björn",
            "Núria",
        ],
        last_names: &[
            "Müller",
            "García-Ruiz",
            "Dupont",
            "Kowalczyk",
            "Jensen",
            "Rossi",
            "O'Sullivan",
            "van den Berg",
            "Åkesson",
        ],
        cities: &["Berlin", "Paris", "Kraków", "Milano", "Dublin", "København", "Barcelona"],
        numbers: &["+49 30 90######", "+33 6 12 ## ## ##", "+39 06 698#####", "+353 1 67# ####"],
    },
];

/// Seven in ten people are Indian.
const WEIGHTS: [usize; 10] = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2];

/// Makes the person of this number; `chance` gives numbers below its argument.
pub fn person(number: usize, chance: &mut impl FnMut(usize) -> usize) -> Person {
    let region = &REGIONS[WEIGHTS[chance(WEIGHTS.len())]];
    let first_name = region.first_names[chance(region.first_names.len())];
    let last_name = region.last_names[chance(region.last_names.len())];
    let pattern = region.numbers[chance(region.numbers.len())];
    let digit = |place: u8| char::from(b'0' + place);
    let phone = pattern
        .trim()
        .chars()
        .map(|c| if c == '#' { digit(u8::try_from(chance(10)).unwrap_or(0)) } else { c })
        .collect();
    let plain: String =
        format!("{first_name}.{last_name}").chars().filter_map(ascii).collect::<String>();
    Person {
        first_name,
        last_name,
        email: format!("{}{number}@example.com", plain.to_lowercase()),
        phone,
        city: region.cities[chance(region.cities.len())],
        country: region.country,
    }
}

/// The letter without diacritics, as people write it in addresses.
fn ascii(c: char) -> Option<char> {
    match c {
        'ë' | 'é' => Some('e'),
        'ü' | 'ú' => Some('u'),
        'ç' => Some('c'),
        'Ł' | 'ł' => Some('l'),
        'ø' | 'ö' | 'ó' => Some('o'),
        'á' | 'Å' | 'å' => Some('a'),
        'í' => Some('i'),
        c if c.is_ascii_alphanumeric() || c == '.' => Some(c),
        _ => None,
    }
}
