"""Which language a document is in, as far as its most usual words say: its words are stemmed by that language's rules.

A guess is a majority of little words that each language has and others mostly have not. It needs no model and 0.1 ms;
it tells apart the languages PostgreSQL can stem and that have such words, and says `simple` where too little is said.
"""

import re
from collections import Counter

UNKNOWN = "simple"
"""PostgreSQL's configuration that takes words as they are."""

SAMPLE_CHARACTERS = 2_000
LEAST_SHARE = 0.08
"""Of all words: in prose a quarter and more are such words, in tables and code hardly any."""
LEAST_KINDS = 3
"""Different ones: "Hon." before every name of a list of judges is no Swedish."""
LEAST_LEAD = 1.25
"""Over the second best: neighbours such as Danish and Norwegian share many."""

_WORD = re.compile(r"[^\W\d_]+")
_USUAL = {
    "danish": "af at blev da de den der det efter eller en er et for fra han har havde hun hvis ikke ind jeg kan man "
    "med meget men mig nogle nu når og også om op os på skal som sig til ud ved vil være været",
    "dutch": "aan al als bij dan dat de deze die door een en er geen haar heeft het hij hun ik in is je kan maar meer "
    "met naar niet nog of om ook op over te tot uit van voor was wat werd wordt ze zich zij zijn zou",
    "english": "a about an and are as at be been but by can do for from had has have he if in is it its more not of "
    "on or our she should that the their they this to was we were what when which who will with would you your",
    "finnish": "ei ja että hän joka jos kanssa kuin mutta myös me minä mitä niin nyt oli olla on ovat se sekä sen "
    "siitä tai tämä vain vielä voi",
    "french": "au aux avec ce ces cette dans de des du elle en est et il ils je la le les leur lui mais même ne nous "
    "on ont ou où par pas plus pour qu que qui sa se ses son sont sur un une vous été être",
    "german": "aber als am an auch auf aus bei das dass dem den der des die durch ein eine einem einen einer es für "
    "hat ich im in ist kann mit nach nicht noch nur oder sich sie sind über um und uns unter von vor war was werden "
    "wenn wie wir wird zu zum zur",
    "hungarian": "a az azt csak de egy ez ezt hogy ha is kell le meg mert mint nem olyan van vagy volt és még már több "
    "után",
    "italian": "ai al alla anche che chi come con da dal dalla degli dei del della delle di e è ed gli ha hanno i il "
    "in io la le lo ma nel nella non o per più quando questa questo se si sono su sul un una uno",
    "norwegian": "at av ble da de den der det du eller en er et etter for fra ha han har hun hva hvis ikke jeg kan "
    "med men mot nå når og også om opp oss over på seg skal som til ut var ved vil vi være",
    "portuguese": "a ao aos as com como da das de do dos e ela ele em entre é era foi há isso mais mas na nas no nos "
    "não o os ou para pela pelo por que quem se sem ser seu sua são também um uma você",
    "romanian": "a acest această al ale care ca ce cu cum dar de din după este fi fost în la lui mai nu o pe pentru "
    "prin sau se sunt și un unei unui",
    "russian": "а бы был была были быть в вы для до его ее если же за и из или к как когда мы на не но о он она они "  # noqa: RUF001 - Cyrillic
    "от по при с так также то только у что это я",  # noqa: RUF001 - Cyrillic
    "spanish": "a al como con cuando de del desde donde el ella en entre es esta este está fue ha hay la las le lo los "
    "más muy no o para pero por que se ser sin sobre son su sus también un una y ya",
    "swedish": "alla att av de den det där du efter ej eller en ett från för ha han har hon hur i inte jag kan man med "
    "men mot nu när och också om oss på sig skulle som till upp ut var vara vi vid är",
    "turkish": "ama bir bu çok da daha de değil en gibi göre ile için ise kadar ki ne o olan olarak olduğu sonra var "
    "ve veya ya",
}


def _languages() -> dict[str, list[str]]:
    languages: dict[str, list[str]] = {}
    for language, words in _USUAL.items():
        for word in words.split():
            languages.setdefault(word, []).append(language)
    return languages


_LANGUAGES = _languages()


def language_of(text: str) -> str:
    """The name of PostgreSQL's text search configuration for it; `UNKNOWN` when its words do not say."""
    words = _WORD.findall(text[:SAMPLE_CHARACTERS].casefold())
    usual = Counter(filter(_LANGUAGES.__contains__, words))
    counts: Counter[str] = Counter()
    for word, times in usual.items():
        for language in _LANGUAGES[word]:
            counts[language] += times
    (best, most), (_, second) = [*counts.most_common(2), (UNKNOWN, 0), (UNKNOWN, 0)][:2]
    kinds = sum(best in _LANGUAGES[word] for word in usual)
    if kinds < LEAST_KINDS or most < LEAST_SHARE * len(words) or most < LEAST_LEAD * second:
        return UNKNOWN
    return best
