"""Cardinal numbers in upper-case English words, for text normalisation."""

ONES = ("ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN "
        "SEVENTEEN EIGHTEEN NINETEEN").split()
TENS = "_ _ TWENTY THIRTY FORTY FIFTY SIXTY SEVENTY EIGHTY NINETY".split()
SCALES = ((10**9, "BILLION"), (10**6, "MILLION"), (1000, "THOUSAND"), (100, "HUNDRED"))


def spell(number):
    """spell(1066) == "ONE THOUSAND SIXTY SIX"; 1100 to 1999 read as years are left as cardinals."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (" " + ONES[number % 10] if number % 10 else "")
    for value, name in SCALES:
        if number >= value:
            rest = number % value
            return spell(number // value) + " " + name + (" " + spell(rest) if rest else "")
    raise AssertionError("unreachable")
