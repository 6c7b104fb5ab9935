import type { Call } from './shell.ts'
import { baseName } from './shell.ts'
import { optionsOf, splitAtOperand, type Options } from './options.ts'

/** A program and its arguments, wherever it runs. */
export type Program = {
  readonly program: string
  readonly args: readonly string[]
  /** The service or container that it runs in; null on this machine. */
  readonly inside: string | null
}

export type Compose = {
  readonly verb: string
  readonly global: Options
  readonly options: Options
  /** Services; for `run` and `exec` the service only. */
  readonly services: readonly string[]
  /** What `run` and `exec` start. */
  readonly argv: readonly string[]
}

const ofDocker = ['context,c', 'host,H', 'config', 'log-level,l']
const ofCompose = [
  'file,f',
  'env-file',
  'project-name,p',
  'profile',
  'project-directory',
  'ansi',
  'progress',
  'parallel',
]
const ofVerb: { readonly [verb: string]: readonly string[] } = {
  up: ['timeout,t', 'scale', 'exit-code-from', 'attach', 'no-attach', 'pull', 'wait-timeout'],
  down: ['timeout,t', 'rmi'],
  stop: ['timeout,t'],
  restart: ['timeout,t'],
  logs: ['tail,n', 'since', 'until', 'index'],
  ps: ['format', 'filter', 'status'],
  images: ['format'],
  run: ['env,e', 'volume,v', 'publish,p', 'name', 'user,u', 'workdir,w', 'entrypoint', 'label,l', 'pull'],
  exec: ['env,e', 'user,u', 'workdir,w', 'index'],
  pull: ['policy'],
}
const ofDockerVerb: { readonly [verb: string]: readonly string[] } = {
  run: [
    ...(ofVerb['run'] ?? []),
    'network',
    'mount',
    'restart',
    'platform',
    'health-cmd',
    'memory,m',
    'env-file',
    'hostname,h',
  ],
  exec: ['env,e', 'user,u', 'workdir,w', 'env-file', 'detach-keys'],
  logs: ['tail,n', 'since', 'until'],
  stop: ['time,t', 'timeout', 'signal,s'],
  inspect: ['format,f', 'type'],
  images: ['format', 'filter,f'],
  ps: ['format', 'filter,f', 'last,n'],
  save: ['output,o'],
  load: ['input,i'],
}

const starts = (verb: string): boolean => verb === 'run' || verb === 'exec'

/** Both `docker compose` and `docker-compose`; null for other programs, and for Compose without a command. */
export function composeOf({ program, args }: Pick<Call, 'program' | 'args'>): Compose | null {
  let given = args
  if (program === 'docker') {
    const { operand, rest } = splitAtOperand(args, ofDocker)
    if (operand !== 'compose') return null
    given = rest
  } else if (program !== 'docker-compose') return null
  const { options: global, operand: verb, rest } = splitAtOperand(given, ofCompose)
  if (verb === null) return null
  const valued = Object.hasOwn(ofVerb, verb) ? (ofVerb[verb] ?? []) : []
  if (!starts(verb)) {
    const options = optionsOf(rest, valued)
    return { verb, global, options, services: options.operands, argv: [] }
  }
  const { options, operand, rest: argv } = splitAtOperand(rest, valued)
  return { verb, global, options, services: operand === null ? [] : [operand], argv }
}

export type Docker = {
  readonly verb: string
  readonly options: Options
  /** Containers, images or paths; for `run` the image, for `exec` the container. */
  readonly operands: readonly string[]
  readonly argv: readonly string[]
}

/** A call of `docker` itself; `docker container stop` and `docker image ls` are read as `stop` and `images`. */
export function dockerOf({ program, args }: Pick<Call, 'program' | 'args'>): Docker | null {
  if (program !== 'docker' && program !== 'podman') return null
  let { operand: verb, rest } = splitAtOperand(args, ofDocker)
  if (verb === null || verb === 'compose') return null
  if (verb === 'container' || verb === 'image') {
    const image = verb === 'image'
    const inner = splitAtOperand(rest)
    if (inner.operand === null) return null
    verb =
      inner.operand === 'ls'
        ? image
          ? 'images'
          : 'ps'
        : inner.operand === 'rm' && image
          ? 'rmi'
          : inner.operand
    rest = inner.rest
  }
  const valued = Object.hasOwn(ofDockerVerb, verb) ? (ofDockerVerb[verb] ?? []) : []
  if (!starts(verb)) {
    const options = optionsOf(rest, valued)
    return { verb, options, operands: options.operands, argv: [] }
  }
  const { options, operand, rest: argv } = splitAtOperand(rest, valued)
  return { verb, options, operands: operand === null ? [] : [operand], argv }
}

/** The program that does the work: what runs in a container, or the call itself. */
export function programOf(call: Pick<Call, 'program' | 'args'>): Program {
  const outer = composeOf(call)
  const started = outer === null ? dockerOf(call) : { ...outer, operands: outer.services }
  const [path, ...args] = started?.argv ?? []
  if (path === undefined) return { program: call.program, args: call.args, inside: null }
  return { program: baseName(path), args, inside: started?.operands[0] ?? null }
}

/** `api:/app/data/app.db` of `docker cp`; null for a path of this machine. */
export function inContainer(path: string): { readonly container: string; readonly path: string } | null {
  const found = /^([\w.${}-]+):(\/.*)$/.exec(path)
  return found === null ? null : { container: found[1] ?? '', path: found[2] ?? '' }
}
