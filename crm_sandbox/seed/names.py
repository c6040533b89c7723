"""Plausible names, as many as wanted, none twice among companies."""

import re
from random import Random


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words("""Alder Amber Anchor Apex Ashford Atlas Aurora Basalt Beacon Blue Bright Brook Canyon Capital Cardinal Cinder
Clear Cobalt Compass Copper Coral Crest Delta Dune Eagle Echo Ember Evergreen Falcon Fjord Forge Frontier Gale Glacier
Golden Granary Harbor Heron High Horizon Indigo Iron Island Keystone Lantern Laurel Lighthouse Marlow Meadow Mesa Metro
Midland Mirror Nimbus North Nova Oak Ocean Onyx Orchard Osprey Pacific Palisade Pine Pioneer Polar Prairie Quartz Rapid
Raven Redwood Ridge River Rowan Sable Saffron Sequoia Sierra Silver Skyline Slate Solar Spruce Sterling Stone Sutton
Tidal Timber Trident Union Vale Valley Vector Velvet Vertex Violet Vista Walnut West Willow Winter Zephyr""")
_SECOND = _words("""Analytics Associates Automation Bridge Computing Connect Consulting Data Digital Dynamics Engineering
Enterprises Fabric Group Holdings Informatics Infosec Integrators Interactive IT Labs Logic Managed Networks Office
Operations Partners Platforms Services Software Solutions Source Stack Studio Systems Technologies Telecom Works""")
_CITIES = _words("""Aalborg Adelaide Antwerp Austin Bari Basel Bergen Bilbao Boise Bogota Bremen Brisbane Calgary Cardiff
Chennai Cordoba Cork Denver Dresden Durban Essen Fresno Galway Genoa Ghent Graz Halifax Hamburg Hobart Houston Izmir
Jaipur Kobe Krakow Lagos Leeds Leipzig Lille Lima Linz Lodz Lyon Malmo Manila Memphis Milan Nagoya Nantes Naples Omaha
Osaka Oslo Ottawa Perth Phoenix Porto Pune Quito Recife Reno Riga Rotterdam Salem Seville Tampere Tampa Toledo Toulouse
Tucson Turin Turku Utrecht Valencia Vienna Vigo Vilnius Warsaw Wichita York Zagreb""")
_PROSPECTS = _words("""Foods Motors Hospital Bank Airlines Retail Mills Insurance Energy Logistics Media University Railways
Pharma Mining Shipping Textiles Hotels""")
FIRST_NAMES = _words("""Aisha Ben Carla Dmitri Elena Farid Grace Hiro Ines Jonas Kofi Lena Marta Nils Olga Pablo Quinn Rosa
Sven Tara Uma Victor Wen Ximena Yusuf Zoe""")
LAST_NAMES = _words("""Abbott Bauer Costa Diaz Eriksen Fontaine Gupta Haas Ivanov Jansen Kaur Lopez Moreau Nakamura O'Neill
Petrov Quist Rossi Santos Tanaka Ulrich Varga Weber Xu Yilmaz Zimmer""")


def companies(rng: Random, count: int) -> list[str]:
    """That many names, all different."""
    firsts, seconds, cities = (rng.sample(words, len(words)) for words in (_FIRST, _SECOND, _CITIES))
    return [_company(firsts, seconds, cities, place) for place in range(count)]


def _company(firsts: list[str], seconds: list[str], cities: list[str], place: int) -> str:
    rest, first = divmod(place, len(firsts))
    rest, second = divmod(rest + first, len(seconds))  # a shift, so that neighbors differ in both words
    name = f"{firsts[first]} {seconds[second]}"
    if rest == 0:
        return name
    lap, city = divmod(rest - 1, len(cities))
    return f"{name} {cities[city]}" if lap == 0 else f"{name} {cities[city]} {lap + 1}"


def prospect(rng: Random) -> str:
    """An end customer."""
    return f"{rng.choice(_CITIES)} {rng.choice(_PROSPECTS)}"


def domain(name: str) -> str:
    """An internet domain for a name, under a reserved ending."""
    return f"{re.sub('[^a-z0-9]+', '-', name.lower())}.example"


def website(name: str) -> str:
    """Where the company is on the web."""
    return f"https://{domain(name)}"
