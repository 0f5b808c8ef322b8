"""Which words say little, and which say the same?

Tables only. Words are folded (small letters, no accents). Small on purpose: enough for
the questions that visitors of help pages ask; a site's own words need no entry.
"""

import re


def _words(text: str) -> frozenset[str]:
    """The words of *text*."""
    return frozenset(text.split())


_ENGLISH = """
a about after again all also am an and any anybody anyone anything are aren as at be because been before being but by
can cannot cant could couldnt d did didnt do does doesnt doing dont else etc ever every everything for from
getting gets give gives going gonna got had has hasnt have havent having he hello help her here hey hi him his hows how i
id if ill im in into is isnt it its ive just kind know let lets like ll m may maybe me mean might mine more most much must
my myself need needed needs never no not now of ok okay on one ones only or our ours out over please pls re regarding s same say
shall she should shouldnt so some somebody someone something sorry still such sure t tell than thank thanks that thats the their
them then there theres these they theyre thing things this those though to too up us ve very want wants was wasnt way we well
were what whats when wheres where which while who whom whose why will with without wont would wouldnt yes yet you your
youre yours
"""
_OTHERS = (
    # German
    """aber alle als also am an auch auf aus bei bin bis bitte da damit danke das dass dein dem den denn der des dich die dies diese dir
    doch du ein eine einem einen einer eines er es etwas euch euer eure fur gibt habe haben hallo hat hatte ich ihr ihre im in ist ja jetzt
    kann kannst kein keine konnen konnte man mein meine meinen mich mir mit mochte muss nach nicht noch nur ob oder schon sehr sein seid
    sich sie sind so uber um und uns unser viel vom von vor wann war warum was wegen welche welchen welcher wenn wer werden wie wieviel
    will wir wird wo wurde zu zum zur""",
    # French
    """a ai alors as au aux avec avez avoir bonjour c ce cela ces cette chez combien comment d dans de des du elle en est et etes etre
    faire fait faut il ils j je l la le les leur lui ma mais me merci mes moi mon n ne nos notre nous on ou par pas peut peux plait pour
    pourquoi puis qu quand que quel quelle quelles quels qui quoi s sa sans se ses si son sont sur ta te tes toi ton tu un une vos votre
    vous y""",
    # Spanish
    """a al algo como con cual cuales cuando cuanto cuanta cuantos de del desde donde el ella ellos en entre eres es esa ese eso esta
    estan este esto estoy favor gracias ha hacer hasta hay hola la las le les lo los mas me mi mis muy necesito no nos o para pero por
    porque puede puedo que quien quiero se ser si sin sobre son soy su sus te tengo tiene tienen tu tus un una unas unos y ya yo""",
    # Italian
    """a ad ai al alla alle anche c che chi ci ciao come con cosa cui da dal dalla dei del della delle di dove e ed fa fare gli grazie ha
    hai ho i il in io l la le lo ma mi mio nel nella no noi non o per perche piu posso puo qual quale quando quanto quanti questo se si
    sono su sul ti tra tu un una uno vi voi vorrei""",
    # Dutch
    """aan al als bij dan dank dat de deze die dit doe doen door een en er gaat graag had hallo heb hebben heeft het hoe hoeveel hun ik in
    is ja je jullie kan kun kunnen maar me meer met mij mijn moet na naar niet nog nu of om onze ons ook op over te tot uit van veel voor
    waar waarom wanneer wat we welke wel wie wij wil worden wordt ze zij zijn zo zonder""",
    # Portuguese
    """a ao aos as com como da das de do dos e ela ele em entre era essa esse esta este eu faz fazer foi ha isso ja la mais mas me meu
    minha muito na nao nas no nos o obrigada obrigado ola onde os ou para pela pelo por porque posso qual quando quanto que quem quero se
    sem ser seu sua sao tem tenho um uma voce voces""",
)

ENGLISH_STOP_WORDS = _words(_ENGLISH)
# One set a language: "die" is no word to skip in an English question.
OTHER_STOP_WORDS = tuple(_words(words) for words in _OTHERS)

# What questions in scripts without spaces have in common: Chinese and Korean question words, Japanese hiragana.
UNSPACED_FILLERS = re.compile(
    "请问|怎么样|怎么|什么|为什么|多少|哪里|哪儿|如何|可以|需要|我们|你们|[吗呢吧的了我你您是有能在]|[\u3040-\u309f]+"
    "|얼마나|얼마|언제|어디서|어디|무엇|어떻게|[가-힣]?니까|나요|인가요|까요"
)

# Said in questions about anything: found in a passage they prove little.
LIGHT_WORDS = _words(
    """
    able accept actually add allow allowed already always answer arrive arrived arrives ask available away best better
    big bring can chat cheap choose came come comes company cost
    day days different difference drink easy eat exactly example fast few find first free full general get go good great happen happens
    hour hours info information keep last least left less little long longer look looking lot made main make makes many
    max maximum min minimum minutes much near new next nice number offer offered offers often old once own page part pick
    place policy possible provide put question questions quick quickly rate real required right rules see
    send sent set shop show site small something soon start store stuff suggest support take takes taken team thing time
    times today tomorrow tonight top try turn type types under until use used using usually wait website week weeks what work works
    working worth year years yesterday
    """
)

# The word after one of these says where, not what: a passage may do without it.
PREPOSITIONS = _words("to from in into within at near nach aus von vers desde hacia a en da naar uit")

# Words that a passage may use in place of the visitor's. Each line is one idea.
_SAME_IDEA = """
ship shipping shipment deliver delivery dispatch postage post send sent leave
parcel package order
arrive arrival receive come came
price cost fee charge expensive cheap
refund reimburse reimbursement money
exchange swap
back return refund
buy purchase order
cancel unsubscribe terminate stop
subscription subscribe subscriber unsubscribe
pause hold holiday vacation suspend
pay payment paid
contact phone telephone call email mail reach human person agent speak talk
location located find directions
open opening opens close closed closes hour
parking park car
allergy allergic allergen allergies
nut peanut almond
decaf decaffeinated caffeine
declined rejected refused failed
damaged broken defective faulty damage torn smashed
lost missing
late delayed delay arrived
discount coupon voucher promo promotion code
giftcard gift present voucher
invoice receipt bill
privacy data gdpr personal
delete erase remove
wholesale bulk b2b reseller
vegan vegetarian plant
grind ground grinding grinder
kid child children
dog pet
wheelchair disabled accessible accessibility step
tour visit
sustainable sustainability environment climate carbon eco emission
recycle recyclable recycling packaging compostable
job career hiring vacancy
warranty guarantee
size dimension
password login account signin
fresh freshness stale
expire expiry valid validity
storage store
record recorded stored keep saved
energy electricity power renewable solar
temperature degree celsius c hot
pregnant pregnancy
collect pickup collection
rent hire borrow lend
sell sold supply
"""
SAME_IDEA = tuple(tuple(line.split()) for line in _SAME_IDEA.strip().splitlines())

# Names of places stand in pages as the region that a rule is about.
_EUROPEAN_UNION = """
austria belgium bulgaria croatia cyprus czechia denmark estonia finland france germany greece hungary ireland italy latvia
lithuania luxembourg malta netherlands holland poland portugal romania slovakia slovenia spain sweden berlin paris vienna madrid
rome amsterdam brussels dublin
"""
_UNITED_KINGDOM = "uk england scotland wales britain gb london edinburgh manchester"
_UNITED_STATES = "usa us america york california texas florida chicago"
_ELSEWHERE = """
argentina australia brazil canada chile china colombia egypt india indonesia israel japan korea malaysia mexico morocco nigeria
philippines russia singapore taiwan thailand turkey ukraine vietnam zealand africa asia
"""
REGIONS = (
    (_words(_EUROPEAN_UNION), ("europe", "european", "eu")),
    (frozenset(("eu", "europe")), ("european", "europe", "eu")),
    (frozenset(("norway", "switzerland", "iceland")), ("europe",)),
    (_words(_UNITED_KINGDOM), ("kingdom", "uk")),
    (_words(_UNITED_STATES), ("states", "usa")),
    (_words(_ELSEWHERE), ("countries",)),
    (frozenset(("abroad", "overseas", "international", "internationally", "worldwide", "country")), ("world", "countries", "international")),
)

# Two words that mean one thing when they stand together, and the word that they are read as.
PAIRS = {
    ("how", "much"): "cost",
    ("money", "back"): "refund",
    ("send", "back"): "return",
    ("sent", "back"): "return",
    ("give", "back"): "return",
    ("bring", "back"): "return",
    ("e", "mail"): "email",
    ("united", "kingdom"): "uk",
    ("united", "states"): "usa",
    ("the", "us"): "usa",
    ("the", "states"): "usa",
    ("cold", "brewed"): "cold brew",
    ("phone", "number"): "phone",
    ("telephone", "number"): "phone",
    ("pick", "up"): "collect",
    ("log", "in"): "login",
    ("sign", "in"): "login",
    ("opening", "hours"): "opening",
    ("opening", "times"): "opening",
    ("business", "hours"): "opening",
}
