"""Which language a document's words are stemmed by."""

import pytest

from ingest_service.language import UNKNOWN, language_of

SENTENCES = {
    "english": "A transfer to a bank in the UK arrives within two hours, and it is free of charge for you.",
    "german": "Die Überweisung dauert in der Regel zwei Minuten und ist nicht kostenlos, wenn sie ins Ausland geht.",
    "french": "Le virement arrive en deux minutes et il est gratuit pour les clients de la banque.",
    "spanish": "La transferencia llega en dos minutos y es gratis para los clientes que no viven en el país.",
    "italian": "Il bonifico arriva in due minuti ed è gratuito per i clienti che non hanno un conto.",
    "dutch": "De overboeking duurt twee minuten en is gratis voor de klant als hij het niet in het buitenland doet.",
    "portuguese": "A transferência demora dois minutos e não é paga pelo cliente, mas por quem a recebe em um banco.",
    "swedish": "Överföringen tar två minuter och är gratis för kunden om du inte har ett konto i en annan bank.",
    "finnish": "Siirto kestää kaksi minuuttia ja se on ilmainen, mutta ei aina, jos tili on ulkomailla.",
    "hungarian": "Az átutalás két perc, és nem kell fizetni érte, ha a számla egy magyar banknál van.",
    "romanian": "Transferul durează două minute și este gratuit pentru clienți, dar nu și în alte țări.",
    "russian": "Перевод занимает две минуты, и он бесплатный для клиентов, если счёт не в другой стране.",
    "turkish": "Transfer iki dakika sürer ve müşteri için ücretsizdir, ama bir başka ülke için değil.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_says_what_language_it_is_in(language: str) -> None:
    """Its little words are enough."""
    assert language_of(SENTENCES[language]) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A, 12, 13\nB, 14, 15\nC, 16, 17",
        "Hon. A. Smith\nHon. B. Jones\nHon. C. Brown\nHon. D. Hall",
        "轉帳需要兩分鐘,而且是免費的。",
        "def add(x, y): return x + y",
    ],
)
def test_where_little_is_said_nothing_is_guessed(text: str) -> None:
    """Tables, lists of names, code and languages without such words are taken word by word."""
    assert language_of(text) == UNKNOWN
