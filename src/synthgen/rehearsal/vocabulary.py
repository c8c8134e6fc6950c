"""Words that tasks are dressed in. The cores of the families do not depend on them."""

from random import Random

NAMES = tuple(
    "Amara Bilal Chiara Dmitri Esi Farida Goran Hana Ines Jonas Kofi Leila Mateo Noor Oskar Priya Quentin Rosa Samir Tomoko "
    "Umar Vera Wanjiru Ximena Yusuf Zofia Anouk Bashir Carmen Dawit Eirik Fatou Gita Hugo Ilse Jamal Keiko Lars Mina Nuno".split()
)
TOWNS = tuple(
    "Aarhus Bergen Cusco Dakar Essaouira Faro Ghent Hobart Izmir Jaipur Kumasi Leuven Mendoza Nantes Odense Porto Quito Riga "
    "Salta Tartu Uppsala Varna Windhoek Yerevan Zadar Brno Cork Dunedin Esch Galway".split()
)
TRADES = tuple(
    "baker,beekeeper,binder,boatbuilder,carpenter,cellist,chemist,cobbler,dentist,electrician,ferry pilot,florist,gardener,"
    "glazier,goldsmith,grocer,librarian,locksmith,mason,midwife,miller,nurse,optician,plumber,potter,printer,ranger,roofer,"
    "surveyor,tailor,teacher,translator,vet,watchmaker,weaver,welder".split(",")
)
PLACES = tuple(
    "allotment,archive,bakery,boathouse,bookshop,bus depot,canteen,chapel,clinic,co-operative,dairy,dockyard,ferry terminal,"
    "greenhouse,gymnasium,harbour office,hostel,joinery,laundry,library,lighthouse,market hall,mill,museum,nursery,observatory,"
    "orchard,pharmacy,pottery,quarry,riding school,sailing club,sawmill,theatre,tram shed,vineyard,warehouse,workshop".split(
        ","
    )
)
THINGS = tuple(
    "anvil,banjo,barrel,basket,blanket,bicycle,candle,canoe,carpet,chisel,clock,compass,curtain,drum,easel,fan,fiddle,funnel,"
    "globe,hammock,kettle,kite,ladder,lantern,loom,mirror,mortar,oar,parasol,quilt,rucksack,saddle,scarf,sewing kit,shovel,"
    "stool,telescope,tent,toolbox,trumpet,typewriter,umbrella,vase,violin,wardrobe,wheelbarrow,whistle".split(",")
)
FOODS = tuple(
    "almonds,apricots,barley,beetroot,buckwheat,butter,chestnuts,cider,couscous,dates,dried figs,fennel,flour,ginger,goat cheese,"
    "hazelnuts,honey,kale,leeks,lentils,maple syrup,millet,mushrooms,olives,onions,pears,plums,polenta,quinces,rye bread,saffron,"
    "sesame,spinach,tomatoes,walnuts,yoghurt".split(",")
)
MOODS = tuple(
    "brisk,calm,candid,cheerful,courteous,dry,earnest,festive,firm,formal,gentle,hopeful,humorous,modest,neutral,patient,"
    "playful,plain,polite,proud,reassuring,serious,sober,solemn,tender,thoughtful,warm,wry".split(",")
)
OCCASIONS = tuple(
    "annual fair,apprentices' evening,audit,autumn sale,book club,centenary,choir trip,clean-up day,delivery week,exam season,"
    "exhibition,farewell party,fire drill,first frost,fundraiser,general meeting,harvest,holiday rota,housewarming,inventory,"
    "move to new rooms,night shift,open day,opening,parents' evening,power cut,regatta,rehearsal dinner,school visit,"
    "spring cleaning,stocktaking,storm warning,summer camp,training day,village feast,winter closure".split(",")
)
OPENINGS = (
    "{name}, a {trade} in {town}, brings you this.",
    "During the {occasion} at the {place} in {town} a question comes up.",
    "{name} keeps notes for the {place} and is stuck.",
    "Suppose you help out at a {place} before the {occasion}.",
    "A {trade} from {town} is preparing for the {occasion}.",
    "Somebody at the {place} wants a {mood} hand with something.",
    "For the {occasion} {name} and {other} need the following.",
    "The {trade} next door asks for your help, in a {mood} voice.",
    "{name} wrote to the {place} in {town} yesterday.",
    "Among the papers for the {occasion} lies this task.",
    "",
    "",
)
CLOSINGS = (
    "Keep the tone {mood}.",
    "{name} will read it aloud, so stay {mood}.",
    "It goes on the board of the {place}.",
    "A {trade} with no time should be able to follow.",
    "{other} checks it before the {occasion}.",
    "Write for readers in {town}.",
    "Leave out anything about the {thing}.",
    "Be {mood} and brief.",
    "",
    "",
    "",
)


def flavour(rng: Random) -> dict[str, str]:
    """One value for each word slot."""
    name, other = rng.sample(NAMES, 2)
    return {
        "name": name,
        "other": other,
        "town": rng.choice(TOWNS),
        "trade": rng.choice(TRADES),
        "place": rng.choice(PLACES),
        "thing": rng.choice(THINGS),
        "food": rng.choice(FOODS),
        "mood": rng.choice(MOODS),
        "occasion": rng.choice(OCCASIONS),
    }


def dressed(core: str, rng: Random) -> str:
    """A core sentence among others, in one line."""
    words = flavour(rng)
    parts = (rng.choice(OPENINGS).format(**words), core, rng.choice(CLOSINGS).format(**flavour(rng)))
    return " ".join(part for part in parts if part)
