//! The table of units: how they are written, their QUDT names, and what they are in SI units.
//!
//! Factors after the SI brochure (9th edition, 2019) and NIST SP 811 (2008), appendix B.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// How it is written, separated by `|`: symbols match as they are, words in any case.
    pub written: &'static str,
    /// Local name in `http://qudt.org/vocab/unit/`, or in `…/currency/` with the prefix `CCY_`.
    pub qudt: &'static str,
    /// Symbol of the SI unit values are converted to; quantities compare only where these are equal.
    pub si: &'static str,
    /// SI value = (value + offset) × factor.
    pub factor: f64,
    /// Offset in this unit, for temperatures.
    pub offset: f64,
}

impl Unit {
    /// The value in SI units.
    #[must_use]
    pub fn si_value(&self, value: f64) -> f64 {
        (value + self.offset) * self.factor
    }

    /// A value in SI units back in this unit.
    #[must_use]
    pub fn own_value(&self, value: f64) -> f64 {
        value / self.factor - self.offset
    }

    /// Its QUDT IRI.
    #[must_use]
    pub fn iri(&self) -> String {
        match self.qudt.strip_prefix("CCY_") {
            Some(currency) => format!("http://qudt.org/vocab/currency/{currency}"),
            None => format!("http://qudt.org/vocab/unit/{}", self.qudt),
        }
    }

    /// The way it is written first: its symbol.
    #[must_use]
    pub fn symbol(&self) -> &'static str {
        self.written.split('|').next().unwrap_or(self.written)
    }
}

const fn unit(written: &'static str, qudt: &'static str, si: &'static str, factor: f64, offset: f64) -> Unit {
    Unit { written, qudt, si, factor, offset }
}

/// All units.
pub const UNITS: &[Unit] = &[
    unit("kg|kilogram|kilograms|kilogramme|kilogrammes|kilo|kilos", "KiloGM", "kg", 1.0, 0.0),
    unit("g|gram|grams|gramme|grammes", "GM", "kg", 0.001, 0.0),
    unit("mg|milligram|milligrams", "MilliGM", "kg", 1e-6, 0.0),
    unit("µg|ug|microgram|micrograms", "MicroGM", "kg", 1e-9, 0.0),
    unit("t|tonne|tonnes|metric ton|metric tons", "TONNE", "kg", 1000.0, 0.0),
    unit("lb|lbs|pound|pounds|lbm", "LB", "kg", 0.45359237, 0.0),
    unit("oz|ounce|ounces", "OZ", "kg", 0.028349523125, 0.0),
    unit("m|metre|metres|meter|meters", "M", "m", 1.0, 0.0),
    unit("km|kilometre|kilometres|kilometer|kilometers", "KiloM", "m", 1000.0, 0.0),
    unit("cm|centimetre|centimetres|centimeter|centimeters", "CentiM", "m", 0.01, 0.0),
    unit("mm|millimetre|millimetres|millimeter|millimeters", "MilliM", "m", 0.001, 0.0),
    unit("µm|um|micrometre|micrometres|micrometer|micrometers|micron|microns", "MicroM", "m", 1e-6, 0.0),
    unit("nm|nanometre|nanometres|nanometer|nanometers", "NanoM", "m", 1e-9, 0.0),
    unit("ft|foot|feet", "FT", "m", 0.3048, 0.0),
    unit("in|inch|inches", "IN", "m", 0.0254, 0.0),
    unit("yd|yard|yards", "YD", "m", 0.9144, 0.0),
    unit("mi|mile|miles|statute mile|statute miles", "MI", "m", 1609.344, 0.0),
    unit("nmi|NM|nautical mile|nautical miles", "MI_N", "m", 1852.0, 0.0),
    unit("m²|m2|m^2|square metre|square metres|square meter|square meters|sqm", "M2", "m²", 1.0, 0.0),
    unit("cm²|cm2|cm^2|square centimetre|square centimetres", "CentiM2", "m²", 0.0001, 0.0),
    unit("mm²|mm2|mm^2|square millimetre|square millimetres", "MilliM2", "m²", 1e-6, 0.0),
    unit("km²|km2|km^2|square kilometre|square kilometres", "KiloM2", "m²", 1000000.0, 0.0),
    unit("ft²|ft2|sq ft|square foot|square feet", "FT2", "m²", 0.09290304, 0.0),
    unit("ha|hectare|hectares", "HA", "m²", 10000.0, 0.0),
    unit("acre|acres", "AC", "m²", 4046.8564224, 0.0),
    unit("m³|m3|m^3|cubic metre|cubic metres|cubic meter|cubic meters", "M3", "m³", 1.0, 0.0),
    unit("cm³|cm3|cm^3|cc|cubic centimetre|cubic centimetres", "CentiM3", "m³", 1e-6, 0.0),
    unit("ft³|ft3|cubic foot|cubic feet", "FT3", "m³", 0.028316846592, 0.0),
    unit("L|l|litre|litres|liter|liters", "L", "m³", 0.001, 0.0),
    unit("mL|ml|millilitre|millilitres|milliliter|milliliters", "MilliL", "m³", 1e-6, 0.0),
    unit("gal|gallon|gallons|US gallon|US gallons", "GAL_US", "m³", 0.003785411784, 0.0),
    unit("imperial gallon|imperial gallons", "GAL_UK", "m³", 0.00454609, 0.0),
    unit("s|sec|secs|second|seconds", "SEC", "s", 1.0, 0.0),
    unit("ms|msec|millisecond|milliseconds", "MilliSEC", "s", 0.001, 0.0),
    unit("µs|us|microsecond|microseconds", "MicroSEC", "s", 1e-6, 0.0),
    unit("ns|nanosecond|nanoseconds", "NanoSEC", "s", 1e-9, 0.0),
    unit("min|mins|minute|minutes", "MIN", "s", 60.0, 0.0),
    unit("h|hr|hrs|hour|hours", "HR", "s", 3600.0, 0.0),
    unit("d|day|days", "DAY", "s", 86400.0, 0.0),
    unit("week|weeks", "WK", "s", 604800.0, 0.0),
    unit("month|months", "MO", "s", 2629746.0, 0.0),
    unit("year|years|yr|yrs", "YR", "s", 31557600.0, 0.0),
    unit("m/s|mps|metre per second|metres per second|meters per second", "M-PER-SEC", "m/s", 1.0, 0.0),
    unit(
        "km/h|kph|kmh|kilometre per hour|kilometres per hour|kilometers per hour",
        "KiloM-PER-HR",
        "m/s",
        0.2777777777777778,
        0.0,
    ),
    unit("km/s|kilometres per second|kilometers per second", "KiloM-PER-SEC", "m/s", 1000.0, 0.0),
    unit("mph|mile per hour|miles per hour", "MI-PER-HR", "m/s", 0.44704, 0.0),
    unit("kt|kts|knot|knots|KIAS|KCAS|KTAS|kn", "KN", "m/s", 0.5144444444444445, 0.0),
    unit("ft/min|fpm|ft per min|feet per minute|foot per minute", "FT-PER-MIN", "m/s", 0.00508, 0.0),
    unit("ft/s|feet per second", "FT-PER-SEC", "m/s", 0.3048, 0.0),
    unit("mm/s|millimetres per second|millimeters per second", "MilliM-PER-SEC", "m/s", 0.001, 0.0),
    unit("cm/s|centimetres per second|centimeters per second", "CentiM-PER-SEC", "m/s", 0.01, 0.0),
    unit("m/min|metres per minute|meters per minute", "M-PER-MIN", "m/s", 0.016666666666666666, 0.0),
    unit(
        "m/s²|m/s2|m/s^2|metres per second squared|meters per second squared",
        "M-PER-SEC2",
        "m/s²",
        1.0,
        0.0,
    ),
    unit("standard gravity|gee|gees", "G", "m/s²", 9.80665, 0.0),
    unit("N|newton|newtons", "N", "N", 1.0, 0.0),
    unit("kN|kilonewton|kilonewtons", "KiloN", "N", 1000.0, 0.0),
    unit("MN|meganewton|meganewtons", "MegaN", "N", 1000000.0, 0.0),
    unit("mN|millinewton|millinewtons", "MilliN", "N", 0.001, 0.0),
    unit("daN|decanewton|decanewtons", "DecaN", "N", 10.0, 0.0),
    unit("lbf|pound-force|pounds-force|pounds of force", "LB_F", "N", 4.4482216152605, 0.0),
    unit("kgf|kilogram-force", "KiloGM_F", "N", 9.80665, 0.0),
    unit("N·m|Nm|N m|newton metre|newton metres|newton meters", "N-M", "N·m", 1.0, 0.0),
    unit("kN·m|kNm|kilonewton metres", "KiloN-M", "N·m", 1000.0, 0.0),
    unit("lbf·ft|lb-ft|ft-lb|foot-pounds|pound-feet", "LB_F-FT", "N·m", 1.3558179483314003, 0.0),
    unit("Pa|pascal|pascals", "PA", "Pa", 1.0, 0.0),
    unit("hPa|hectopascal|hectopascals", "HectoPA", "Pa", 100.0, 0.0),
    unit("kPa|kilopascal|kilopascals", "KiloPA", "Pa", 1000.0, 0.0),
    unit("MPa|megapascal|megapascals", "MegaPA", "Pa", 1000000.0, 0.0),
    unit("GPa|gigapascal|gigapascals", "GigaPA", "Pa", 1000000000.0, 0.0),
    unit("bar|bars", "BAR", "Pa", 100000.0, 0.0),
    unit("mbar|millibar|millibars", "MilliBAR", "Pa", 100.0, 0.0),
    unit("psi|pounds per square inch", "PSI", "Pa", 6894.757293168, 0.0),
    unit("atm|atmosphere|atmospheres", "ATM", "Pa", 101325.0, 0.0),
    unit("mmHg|millimetres of mercury", "MilliM_HG", "Pa", 133.322387415, 0.0),
    unit("inHg|inches of mercury", "IN_HG", "Pa", 3386.389, 0.0),
    unit("N/m²|N/m2|newtons per square metre", "N-PER-M2", "Pa", 1.0, 0.0),
    unit("J|joule|joules", "J", "J", 1.0, 0.0),
    unit("kJ|kilojoule|kilojoules", "KiloJ", "J", 1000.0, 0.0),
    unit("MJ|megajoule|megajoules", "MegaJ", "J", 1000000.0, 0.0),
    unit("Wh|watt hour|watt hours|watt-hours", "W-HR", "J", 3600.0, 0.0),
    unit("kWh|kilowatt hour|kilowatt hours|kilowatt-hours", "KiloW-HR", "J", 3600000.0, 0.0),
    unit("MWh|megawatt hour|megawatt hours", "MegaW-HR", "J", 3600000000.0, 0.0),
    unit("cal|calorie|calories", "CAL_TH", "J", 4.184, 0.0),
    unit("kcal|kilocalorie|kilocalories", "KiloCAL", "J", 4184.0, 0.0),
    unit("BTU|british thermal units", "BTU_IT", "J", 1055.05585262, 0.0),
    unit("eV|electronvolt|electronvolts", "EV", "J", 1.602176634e-19, 0.0),
    unit("W|watt|watts", "W", "W", 1.0, 0.0),
    unit("mW|milliwatt|milliwatts", "MilliW", "W", 0.001, 0.0),
    unit("kW|kilowatt|kilowatts", "KiloW", "W", 1000.0, 0.0),
    unit("MW|megawatt|megawatts", "MegaW", "W", 1000000.0, 0.0),
    unit("GW|gigawatt|gigawatts", "GigaW", "W", 1000000000.0, 0.0),
    unit("hp|bhp|shp|horsepower", "HP", "W", 745.6998715822702, 0.0),
    unit("PS|metric horsepower", "HP_Metric", "W", 735.49875, 0.0),
    unit("V|volt|volts|VDC|VAC|V DC|V AC", "V", "V", 1.0, 0.0),
    unit("mV|millivolt|millivolts", "MilliV", "V", 0.001, 0.0),
    unit("µV|uV|microvolt|microvolts", "MicroV", "V", 1e-6, 0.0),
    unit("kV|kilovolt|kilovolts", "KiloV", "V", 1000.0, 0.0),
    unit("A|amp|amps|ampere|amperes", "A", "A", 1.0, 0.0),
    unit("mA|milliamp|milliamps|milliampere|milliamperes", "MilliA", "A", 0.001, 0.0),
    unit("µA|uA|microamp|microamps|microampere|microamperes", "MicroA", "A", 1e-6, 0.0),
    unit("kA|kiloampere|kiloamperes", "KiloA", "A", 1000.0, 0.0),
    unit("Ah|amp hour|amp hours|ampere hour|ampere hours|ampere-hours|amp-hours", "A-HR", "C", 3600.0, 0.0),
    unit("mAh|milliamp hour|milliamp hours|milliampere hours", "MilliA-HR", "C", 3.6, 0.0),
    unit("C coulomb|coulomb|coulombs", "C", "C", 1.0, 0.0),
    unit("ohm|ohms|Ω", "OHM", "Ω", 1.0, 0.0),
    unit("kΩ|kohm|kiloohm|kiloohms", "KiloOHM", "Ω", 1000.0, 0.0),
    unit("MΩ|megaohm|megaohms", "MegaOHM", "Ω", 1000000.0, 0.0),
    unit("F|farad|farads", "FARAD", "F", 1.0, 0.0),
    unit("µF|uF|microfarad|microfarads", "MicroFARAD", "F", 1e-6, 0.0),
    unit("nF|nanofarad|nanofarads", "NanoFARAD", "F", 1e-9, 0.0),
    unit("pF|picofarad|picofarads", "PicoFARAD", "F", 1e-12, 0.0),
    unit("henry|henries", "H", "H", 1.0, 0.0),
    unit("mH|millihenry|millihenries", "MilliH", "H", 0.001, 0.0),
    unit("T|tesla|teslas", "T", "T", 1.0, 0.0),
    unit("mT|millitesla", "MilliT", "T", 0.001, 0.0),
    unit("VA|volt-ampere|volt-amperes", "V-A", "VA", 1.0, 0.0),
    unit("kVA|kilovolt-amperes", "KiloV-A", "VA", 1000.0, 0.0),
    unit("Hz|hertz", "HZ", "Hz", 1.0, 0.0),
    unit("kHz|kilohertz", "KiloHZ", "Hz", 1000.0, 0.0),
    unit("MHz|megahertz", "MegaHZ", "Hz", 1000000.0, 0.0),
    unit("GHz|gigahertz", "GigaHZ", "Hz", 1000000000.0, 0.0),
    unit("rpm|RPM|rev/min|revolutions per minute", "REV-PER-MIN", "rad/s", 0.10471975511965977, 0.0),
    unit("rad/s|radian per second|radians per second", "RAD-PER-SEC", "rad/s", 1.0, 0.0),
    unit("deg/s|°/s|degree per second|degrees per second", "DEG-PER-SEC", "rad/s", 0.017453292519943295, 0.0),
    unit("rad|radian|radians", "RAD", "rad", 1.0, 0.0),
    unit("deg|degs|degree|degrees|°", "DEG", "rad", 0.017453292519943295, 0.0),
    unit("mrad|milliradian|milliradians", "MilliRAD", "rad", 0.001, 0.0),
    unit("arcmin|arc minute|arc minutes", "ARCMIN", "rad", 0.0002908882086657216, 0.0),
    unit("arcsec|arc second|arc seconds", "ARCSEC", "rad", 4.84813681109536e-6, 0.0),
    unit("sr|steradian|steradians", "SR", "sr", 1.0, 0.0),
    unit("K|kelvin|kelvins", "K", "K", 1.0, 0.0),
    unit("°C|deg C|degC|degree Celsius|degrees Celsius|Celsius|degrees C|℃", "DEG_C", "K", 1.0, 273.15),
    unit(
        "°F|deg F|degF|degree Fahrenheit|degrees Fahrenheit|Fahrenheit|degrees F|℉",
        "DEG_F",
        "K",
        0.5555555555555556,
        459.67,
    ),
    unit("°R|rankine", "DEG_R", "K", 0.5555555555555556, 0.0),
    unit("%|percent|per cent|pct", "PERCENT", "1", 0.01, 0.0),
    unit("‰|permille|per mille", "PERMILLE", "1", 0.001, 0.0),
    unit("ppm|parts per million", "PPM", "1", 1e-6, 0.0),
    unit("ppb|parts per billion", "PPB", "1", 1e-9, 0.0),
    unit("dB|decibel|decibels", "DeciB", "dB", 1.0, 0.0),
    unit("dBA|dB(A)|A-weighted decibels", "DeciB_A", "dB(A)", 1.0, 0.0),
    unit("dBm", "DeciB_M", "dBm", 1.0, 0.0),
    unit("lm|lumen|lumens", "LM", "lm", 1.0, 0.0),
    unit("lx|lux", "LUX", "lx", 1.0, 0.0),
    unit("cd|candela|candelas", "CD", "cd", 1.0, 0.0),
    unit("cd/m²|cd/m2|nit|nits", "CD-PER-M2", "cd/m²", 1.0, 0.0),
    unit("mol|mole|moles", "MOL", "mol", 1.0, 0.0),
    unit("kg/m³|kg/m3|kilograms per cubic metre", "KiloGM-PER-M3", "kg/m³", 1.0, 0.0),
    unit("g/cm³|g/cm3|grams per cubic centimetre", "GM-PER-CentiM3", "kg/m³", 1000.0, 0.0),
    unit("kg/m²|kg/m2|kilograms per square metre", "KiloGM-PER-M2", "kg/m²", 1.0, 0.0),
    unit("kg/s|kilogram per second|kilograms per second", "KiloGM-PER-SEC", "kg/s", 1.0, 0.0),
    unit("g/s|grams per second", "GM-PER-SEC", "kg/s", 0.001, 0.0),
    unit("kg/h|kilogram per hour|kilograms per hour", "KiloGM-PER-HR", "kg/s", 0.0002777777777777778, 0.0),
    unit("kg/kWh|kilograms per kilowatt hour", "KiloGM-PER-KiloW-HR", "kg/J", 2.777777777777778e-7, 0.0),
    unit("g/kWh|grams per kilowatt hour", "GM-PER-KiloW-HR", "kg/J", 2.777777777777778e-10, 0.0),
    unit(
        "L/h|l/h|litre per hour|litres per hour|liters per hour",
        "L-PER-HR",
        "m³/s",
        2.777777777777778e-7,
        0.0,
    ),
    unit(
        "L/min|l/min|litre per minute|litres per minute|liters per minute",
        "L-PER-MIN",
        "m³/s",
        1.6666666666666667e-5,
        0.0,
    ),
    unit("L/s|l/s|litres per second", "L-PER-SEC", "m³/s", 0.001, 0.0),
    unit(
        "mL/h|ml/h|millilitre per hour|millilitres per hour|milliliters per hour",
        "MilliL-PER-HR",
        "m³/s",
        2.777777777777778e-10,
        0.0,
    ),
    unit(
        "mL/min|ml/min|millilitres per minute|milliliters per minute",
        "MilliL-PER-MIN",
        "m³/s",
        1.6666666666666667e-8,
        0.0,
    ),
    unit("m³/s|m3/s|cubic metres per second", "M3-PER-SEC", "m³/s", 1.0, 0.0),
    unit(
        "m³/h|m3/h|cubic metres per hour|cubic meters per hour",
        "M3-PER-HR",
        "m³/s",
        0.0002777777777777778,
        0.0,
    ),
    unit("gal/h|gph|gallons per hour", "GAL_US-PER-HR", "m³/s", 1.0515032733333332e-6, 0.0),
    unit("W/m²|W/m2|watts per square metre", "W-PER-M2", "W/m²", 1.0, 0.0),
    unit("W/kg|watts per kilogram", "W-PER-KiloGM", "W/kg", 1.0, 0.0),
    unit("Wh/kg|watt hours per kilogram", "W-HR-PER-KiloGM", "J/kg", 3600.0, 0.0),
    unit("V/m|volts per metre|volts per meter", "V-PER-M", "V/m", 1.0, 0.0),
    unit("N/m|newtons per metre|newtons per meter", "N-PER-M", "N/m", 1.0, 0.0),
    unit("N/mm|newtons per millimetre", "N-PER-MilliM", "N/m", 1000.0, 0.0),
    unit("bit|bits", "BIT", "B", 0.125, 0.0),
    unit("B|byte|bytes|octet|octets", "BYTE", "B", 1.0, 0.0),
    unit("kB|KB|kilobyte|kilobytes", "KiloBYTE", "B", 1000.0, 0.0),
    unit("MB|megabyte|megabytes", "MegaBYTE", "B", 1000000.0, 0.0),
    unit("GB|gigabyte|gigabytes", "GigaBYTE", "B", 1000000000.0, 0.0),
    unit("TB|terabyte|terabytes", "TeraBYTE", "B", 1000000000000.0, 0.0),
    unit("PB|petabyte|petabytes", "PetaBYTE", "B", 1000000000000000.0, 0.0),
    unit("KiB|kibibyte|kibibytes", "KibiBYTE", "B", 1024.0, 0.0),
    unit("MiB|mebibyte|mebibytes", "MebiBYTE", "B", 1048576.0, 0.0),
    unit("GiB|gibibyte|gibibytes", "GibiBYTE", "B", 1073741824.0, 0.0),
    unit("TiB|tebibyte|tebibytes", "TebiBYTE", "B", 1099511627776.0, 0.0),
    unit("bit/s|bps|bits per second", "BIT-PER-SEC", "bit/s", 1.0, 0.0),
    unit("kbit/s|kbps|kilobits per second", "KiloBIT-PER-SEC", "bit/s", 1000.0, 0.0),
    unit("Mbit/s|Mbps|Mb/s|megabits per second", "MegaBIT-PER-SEC", "bit/s", 1000000.0, 0.0),
    unit("Gbit/s|Gbps|Gb/s|gigabits per second", "GigaBIT-PER-SEC", "bit/s", 1000000000.0, 0.0),
    unit("B/s|bytes per second", "BYTE-PER-SEC", "bit/s", 8.0, 0.0),
    unit("kB/s|KB/s|kilobytes per second", "KiloBYTE-PER-SEC", "bit/s", 8000.0, 0.0),
    unit("MB/s|megabytes per second", "MegaBYTE-PER-SEC", "bit/s", 8000000.0, 0.0),
    unit("GB/s|gigabytes per second", "GigaBYTE-PER-SEC", "bit/s", 8000000000.0, 0.0),
    unit("Bq|becquerel|becquerels", "BQ", "Bq", 1.0, 0.0),
    unit("Sv|sievert|sieverts", "SV", "Sv", 1.0, 0.0),
    unit("mSv|millisievert|millisieverts", "MilliSV", "Sv", 0.001, 0.0),
    unit("Gy|gray|grays", "GRAY", "Gy", 1.0, 0.0),
    unit("pH", "PH", "pH", 1.0, 0.0),
    unit("USD|US dollar|US dollars|dollar|dollars|$|US$", "CCY_USD", "USD", 1.0, 0.0),
    unit("EUR|euro|euros|€", "CCY_EUR", "EUR", 1.0, 0.0),
    unit("GBP|pound sterling|pounds sterling|£", "CCY_GBP", "GBP", 1.0, 0.0),
    unit("JPY|yen|¥", "CCY_JPY", "JPY", 1.0, 0.0),
    unit("CHF|Swiss franc|Swiss francs", "CCY_CHF", "CHF", 1.0, 0.0),
];

static EXACT: LazyLock<HashMap<&'static str, &'static Unit>> = LazyLock::new(|| {
    UNITS.iter().flat_map(|unit| unit.written.split('|').map(move |written| (written, unit))).collect()
});

/// Words of three letters and more, in any case; shorter ones are symbols, whose case matters.
static ANY_CASE: LazyLock<HashMap<String, &'static Unit>> = LazyLock::new(|| {
    let long = |written: &str| written.chars().filter(|c| c.is_alphabetic()).count() >= 3;
    let mut map = HashMap::new();
    for unit in UNITS {
        for written in unit.written.split('|').filter(|written| long(written)) {
            map.entry(written.to_ascii_lowercase()).or_insert(unit);
        }
    }
    map
});

/// The unit that is written like this, if it is known.
#[must_use]
pub fn find(written: &str) -> Option<&'static Unit> {
    EXACT
        .get(written)
        .or_else(|| {
            let letters = written.chars().filter(|c| c.is_alphabetic()).count();
            if letters >= 3 { ANY_CASE.get(written.to_ascii_lowercase().as_str()) } else { None }
        })
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_goes_there_and_back() {
        for unit in UNITS {
            for value in [-40.0, 0.0, 1.0, 123.456] {
                let back = unit.own_value(unit.si_value(value));
                assert!((back - value).abs() < 1e-6, "{} {value} came back as {back}", unit.written);
            }
        }
    }

    #[test]
    fn no_way_of_writing_means_two_units() {
        let mut seen = std::collections::BTreeMap::new();
        for unit in UNITS {
            for written in unit.written.split('|') {
                assert_eq!(seen.insert(written, unit.qudt), None, "{written}");
            }
        }
    }

    #[test]
    fn known_values_are_right() {
        let si = |written: &str, value: f64| find(written).unwrap().si_value(value);
        for (written, value, expected) in [
            ("kt", 45.0, 23.15),
            ("knots", 45.0, 23.15),
            ("lb", 100.0, 45.359_237),
            ("°C", 20.0, 293.15),
            ("°F", 212.0, 373.15),
            ("psi", 14.695_948_775, 101_325.0),
            ("kWh", 1.0, 3.6e6),
            ("rpm", 60.0, std::f64::consts::TAU),
            ("ft/min", 1000.0, 5.08),
            ("nautical miles", 1.0, 1852.0),
            ("Percent", 5.0, 0.05),
            ("MB", 1.0, 1e6),
        ] {
            let found = si(written, value);
            assert!((found - expected).abs() <= expected.abs() * 1e-6, "{value} {written}: {found}");
        }
    }

    #[test]
    fn case_matters_for_symbols_and_not_for_words() {
        assert_eq!(find("mW").unwrap().qudt, "MilliW");
        assert_eq!(find("MW").unwrap().qudt, "MegaW");
        assert_eq!(find("Seconds").unwrap().qudt, "SEC");
        assert_eq!(find("S"), None);
        assert_eq!(find("parsnips"), None);
    }

    #[test]
    fn there_are_enough_units() {
        assert!(UNITS.len() >= 150, "{}", UNITS.len());
    }
}
