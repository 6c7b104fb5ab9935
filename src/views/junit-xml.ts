import xml, { type XMLElement } from 'xmlbuilder'

export type Property = { readonly name: string; readonly value: string }

/** Why a case failed, or ended in an error. */
export type Fault = { readonly message: string; readonly type: string }

export type Case = {
  readonly className: string
  readonly name: string
  /** Left out where nothing was timed. */
  readonly seconds?: number
  readonly properties?: readonly Property[]
  readonly failure?: Fault
  readonly error?: Fault
  readonly skipped?: boolean
  readonly output?: string
  readonly errorOutput?: string
}

export type Suite = {
  readonly name: string
  readonly timestamp: string
  readonly properties: readonly Property[]
  readonly cases: readonly Case[]
}

/** The dialect of JUnit's XML that Jenkins and most other readers take. */
export function junitXml(name: string, suites: readonly Suite[]): string {
  const root = xml.create('testsuites', { encoding: 'UTF-8', invalidCharReplacement: '' })
  const totals = { name, ...counts(suites.flatMap(({ cases }) => cases)) }
  for (const [key, value] of Object.entries(totals)) root.att(key, value)
  for (const suite of suites) {
    const element = root.ele('testsuite', {
      name: suite.name,
      timestamp: suite.timestamp,
      ...counts(suite.cases),
    })
    addProperties(element, suite.properties)
    for (const one of suite.cases) addCase(element, one)
  }
  return root.end({ pretty: true })
}

const counts = (cases: readonly Case[]) => ({
  tests: cases.length,
  failures: cases.filter(({ failure }) => failure !== undefined).length,
  errors: cases.filter(({ error }) => error !== undefined).length,
  skipped: cases.filter(({ skipped }) => skipped === true).length,
})

function addProperties(parent: XMLElement, properties: readonly Property[]): void {
  if (properties.length === 0) return
  const list = parent.ele('properties')
  for (const { name, value } of properties) list.ele('property', { name, value })
}

function addCase(parent: XMLElement, one: Case): void {
  const element = parent.ele('testcase', {
    classname: one.className,
    name: one.name,
    ...(one.seconds === undefined ? {} : { time: one.seconds }),
  })
  addProperties(element, one.properties ?? [])
  if (one.failure !== undefined) element.ele('failure', faultOf(one.failure))
  if (one.error !== undefined) element.ele('error', faultOf(one.error))
  if (one.skipped === true) element.ele('skipped')
  addText(element, 'system-out', one.output)
  addText(element, 'system-err', one.errorOutput)
}

/** Readers take an empty message for none. */
const faultOf = ({ message, type }: Fault) => (message === '' ? { type } : { message, type })

function addText(parent: XMLElement, name: string, text: string | undefined): void {
  if (text !== undefined && text !== '') parent.ele(name).cdata(text)
}
