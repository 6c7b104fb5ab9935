import type { Step } from './procedure.ts'

/** Variables that choose an image in the stack's files. */
const choosesImage = /TAG|VERSION|IMAGE|DIGEST/

/** What a command sets in an environment file. */
export type Setting = {
  readonly file: string
  readonly name: string
  readonly value: string
  readonly choosesImage: boolean
}

const isEnvFile = (path: string): boolean => /(^|\/)\.env(\.[\w-]+)*$|\.env$/.test(path)

/** `sed -i 's|^TAG=.*|TAG=1.2|' .env` and `echo TAG=1.2 >> .env`; null for every other command. */
export function settingOf({ main }: Step): Setting | null {
  const file =
    main.program === 'sed'
      ? main.args.some((arg) => /^(-i|--in-place)/.test(arg))
        ? main.args.find(isEnvFile)
        : undefined
      : ['echo', 'printf'].includes(main.program)
        ? main.appends.find(isEnvFile)
        : undefined
  if (file === undefined) return null
  const written =
    main.program === 'sed'
      ? main.args.map((arg) => /^s([|/#,@])(?:(?!\1).)*\1((?:(?!\1).)*)\1\w*$/.exec(arg)?.[2])
      : main.args
  const [, name, value] =
    written.map((one) => /^([A-Z_][A-Z0-9_]*)=(.*?)(?:\\n)?$/.exec(one ?? '')).find((one) => one !== null) ??
    []
  return name === undefined || value === undefined
    ? null
    : { file, name, value, choosesImage: choosesImage.test(name) }
}

/** Whether a variable of the command, or one that the shell exports before it, chooses the image that comes up. */
export const choosesByVariable = ({ main }: Step, before: readonly Step[]): boolean =>
  [main, ...before.map((step) => step.main).filter(({ program }) => program === 'export')].some(
    ({ variables, program, args }) =>
      [...variables.keys(), ...(program === 'export' ? args.map((arg) => arg.replace(/=.*$/, '')) : [])].some(
        (name) => choosesImage.test(name),
      ),
  )

/** Whether containers are made again even if nothing was configured otherwise: asked for, or there are none. */
export function makesAgain(step: Step, all: readonly Step[]): boolean {
  if (step.compose?.options.has('force-recreate', 'V', 'renew-anon-volumes') === true) return true
  const earlier = all.slice(0, all.indexOf(step))
  const since = earlier.findLastIndex(({ compose }) => compose?.verb === 'up' || compose?.verb === 'start')
  return earlier
    .slice(since + 1)
    .some(
      ({ compose, docker }) => compose?.verb === 'down' || compose?.verb === 'rm' || docker?.verb === 'rm',
    )
}

/** Tags for an image that is only kept: nothing is started from it. */
const keeps = /backup|before|broken|bad|fail|kept|keep|old|prev|snapshot|rollback|\d{6,}/i

/** `shop/api:1.4` as its repository and tag. */
export function nameParts(image: string): { readonly repository: string; readonly tag: string } {
  const [, repository = image, tag = 'latest'] = /^(.*?)(?::([\w][\w.-]*))?$/.exec(image) ?? []
  return { repository, tag }
}

/** Whether services may be started from an image of this name. */
export const isStarted = (image: string): boolean => !keeps.test(nameParts(image).tag)

/** The service that is called as the repository is: `api` of `registry.example.com/shop/api`. */
export const serviceOf = (image: string, services: readonly string[]): string | null =>
  services.find((name) => name === nameParts(image).repository.replace(/^.*\//, '')) ?? null
