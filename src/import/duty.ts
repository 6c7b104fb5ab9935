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

function isOrder(sentence: string): boolean {
  const act = sentence.trim().replace(opening, '').replace(condition, '').replace(opening, '')
  const [, verb = '', rest = ''] = /^([a-z-]+)\s+(.*)$/is.exec(act) ?? []
  const word = verb.toLowerCase()
  return (
    acts.has(word) ||
    withFile.test(act) ||
    (nouns.has(word) && goesOn.test(rest) && !/^note that\b/i.test(act))
  )
}

/** Whether prose asks a person to act: one of its sentences is an order. What introduces a block of code is not. */
export const asksForAct = ({ text }: Pick<Part, 'text'>): boolean =>
  !text.trim().endsWith(':') && text.split(/(?<=[.!?])\s+/).some(isOrder)
