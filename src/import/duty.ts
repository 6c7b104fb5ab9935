import type { Part } from './document.ts'

/** What only a person does, in the words of procedures. */
const acts = new Set(
  (
    'tell notify inform announce ask call contact escalate warn remind thank write confirm verify validate ensure ' +
    'review approve decide choose compare inspect monitor observe wait create raise delete disable enable pause resume ' +
    'send publish collect gather assign appoint agree coordinate investigate identify assess ' +
    'locate find select obtain remove restore re-enable re-run rerun unplug apply revoke rotate block unblock'
  ).split(' '),
)

/** The same, and nouns too: only before a word with which an order goes on. */
const nouns = new Set(
  (
    'archive capture check close document do email file give hold keep log make message move note open page phone pick plan ' +
    'post put record report request schedule set sign store switch take test try turn update watch'
  ).split(' '),
)
/** Of those, what is done with a file. */
const withFile = /^(?:check|close|keep|move|open|put|take|update) \S*[/.]\S* /i
const goesOn =
  /^(?:the|an?|that|whether|which|who|what|how|all|any|each|every|your|our|their|its|this|these|those|it|them|for|with|in|on|to|down|off|up|sure|back|nobody|someone|somebody|everybody)(?=\s|$)/i

const opening =
  /^(?:(?:then|also|now|please|first|finally|afterwards|manually|immediately|always|next)\b,?\s+)+/i
const condition = /^(?:only\s+)?(?:if|when|once|after|before|as soon as|in case)\b[^,:]*,\s+/i

/** What may stand before an article without being a verb. */
const noVerbs = new Set(
  (
    'a about above across after against all along although among an and any are around as at because before behind below beneath beside ' +
    'besides between beyond both but by can could despite did do does down during each either even every except for from given ' +
    'had has have here how however if in inside instead into is its just last like many may maybe might more most much must near neither ' +
    'next no none nor not of off on once only onto or other our out outside over past per perhaps plus quite rather regarding same see ' +
    'should since so some still such than that the their them then there these they this those though through throughout thus till to ' +
    'too toward towards under underneath unless unlike until up upon usually via was were what whatever when whenever where ' +
    'whether which while who whom whose why will with within without would yes yet you your'
  ).split(' '),
)

/** `Drain the queue`: a word in its bare form, and an article that no preposition or conjunction explains. */
function isBareVerb(sentence: string): boolean {
  const [, word = ''] =
    /^([a-z][a-z-]+) (?:the|an?|all|any|each|every|both|your|our|it|them)(?=\s|$)/i.exec(sentence) ?? []
  const form = word.toLowerCase()
  return (
    form !== '' &&
    !noVerbs.has(form) &&
    !/(?:[^s]s|ed|tion|ment|ness)$/.test(form.replace(/^(?:proceed|feed|seed|embed|shed)$/, 'go')) &&
    !/(?:ing|ly)$/.test(form.replace(/^(?:bring|ping|ring|apply|reply|supply)$/, 'go'))
  )
}

const germanOpening = /^(?:(?:Dann|Danach|Anschließend|Zuerst|Zuletzt|Bitte|Jetzt|Nun)\b,?\s+)+/i
const germanCondition = /^(?:Wenn|Falls|Sobald|Nachdem|Bevor|Solange)\b[^,]*,\s+(?:dann\s+)?/i
/** Verbs of conditions and questions: "Sollten Sie …". */
const germanAsks =
  /^(?:sollten|möchten|wollen|wollten|haben|hatten|sind|waren|werden|würden|können|könnten|müssen|müssten|dürfen|brauchen|benötigen) /i
/** Words in -en that are no infinitives, and verbs that make a statement of what stands before the last word. */
const noInfinitive =
  /\b(?:offen|vorhanden|verboten|betroffen|enthalten|verschieden|eigen|selten|zusammen|daneben|oben|unten|außen|innen|hinten|neben|wegen|gegen|morgen|worden|gelaufen|ge\p{Ll}+en)$/iu
const isStatement =
  /[,;?]|\b(?:ist|sind|war|waren|wird|werden|wurde|wurden|hat|haben|kann|können|soll|sollen|sollte|muss|müssen|darf|dürfen|will|wollen|lässt|lassen|zu|nicht mehr|wenn|falls|ob|dass|weil)\b/iu

/** English has words in -en too: umlauts, articles and the forms of German verbs tell. */
const isGerman =
  /[äöüß]|(?<!\p{L})(?:im|den|die|das|dem|der|des|zum|zur|vom|mit|für|nach|aus|und|oder|beim)(?!\p{L})|ieren$|(?<!\p{L})(?:ein|aus|ab|an|auf|um|vor|zurück|nach|mit|wieder|weg|be|ver|ent|er)\p{Ll}{3,}en$/iu

/** Verbs of operations that show none of that, many of them borrowed: "Dienste stoppen". */
const germanVerb =
  /(?<!\p{L})(?:stopp|start|restart|test|check|deploy|patch|push|pull|updat|upgrad|downgrad|boot|reboot|dump|klon|mount|ping|trigger|tagg|releas|dropp|merg|logg|switch|download|leer|sperr|meld|wart|sicher|hol|frag|setz|leg|stell|schalt|zieh|schreib|les|trenn|pack|lad|tausch|wechsel)e?n$/iu

/** German orders: "Stoppen Sie …", "Prüfe die …", and notes such as "Support informieren". */
function isGermanOrder(sentence: string): boolean {
  const act = sentence
    .trim()
    .replace(germanOpening, '')
    .replace(germanCondition, '')
    .replace(germanOpening, '')
  if (act.endsWith('?')) return false
  if (/^\p{L}+(?:en|ern|eln) Sie(?=\s)/u.test(act)) return !germanAsks.test(act)
  if (
    /^\p{L}\p{Ll}+e (?:den|das|die|einen?|alle) \p{L}/u.test(act) &&
    !/^(?:Heute|Ohne|Alle|Eine|Keine|Jede|Diese|Jene|Beide|Welche|Manche|Solche|Ihre|Seine|Meine|Unsere|Viele|Einige|Wie|Die|Sie)\b/.test(
      act,
    ) &&
    !/ (?:ist|sind|wird|werden|hat|haben|war|waren)\b/i.test(act)
  )
    return true
  const note = act.replace(/[.!]$/, '')
  return (
    /^\p{Lu}[\p{L}-]+(?: [\p{L}\d./-]+){0,7} \p{Ll}{2,}(?:en|ern|eln)$/u.test(note) &&
    (isGerman.test(note) || germanVerb.test(note)) &&
    !isStatement.test(note) &&
    !noInfinitive.test(note)
  )
}

function isOrder(sentence: string): boolean {
  const act = sentence.trim().replace(opening, '').replace(condition, '').replace(opening, '')
  const [, verb = '', rest = ''] = /^([a-z-]+)\s+(.*)$/is.exec(act) ?? []
  const word = verb.toLowerCase()
  return (
    acts.has(word) ||
    withFile.test(act) ||
    isBareVerb(act) ||
    isGermanOrder(sentence) ||
    (nouns.has(word) && goesOn.test(rest) && !/^note that\b/i.test(act))
  )
}

/** Whether prose asks a person to act: one of its sentences is an order. What introduces a block of code is not. */
export const asksForAct = ({ text }: Pick<Part, 'text'>): boolean =>
  !text.trim().endsWith(':') && text.split(/(?<=[.!?])\s+/).some(isOrder)
