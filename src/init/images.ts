/** What a service is, as far as the name of its image says it. */
export type ImageKind =
  | { readonly is: 'postgres'; readonly vendor: 'official' | 'bitnami'; readonly major: number | null }
  | { readonly is: 'other-database'; readonly engine: string }
  /** Passes connections of others on to a database. */
  | { readonly is: 'pooler' }
  /** Passes HTTP requests on. */
  | { readonly is: 'proxy' }
  /** Looks at a database or copies it, and writes only if a person does. */
  | { readonly is: 'tool' }
  | { readonly is: 'cache' }

/** Null for an image that says nothing, such as that of an application. */
export function imageKind(image: string): ImageKind | null {
  const { repository, name, tag } = partsOf(image)
  if (
    /backup|exporter|pgadmin|adminer|pgweb|pghero|cloudbeaver|phpmyadmin|dbgate|pganalyze|mongo-express/.test(
      name,
    )
  )
    return { is: 'tool' }
  if (/pgbouncer|pgpool|pgcat|odyssey|supavisor/.test(name)) return { is: 'pooler' }
  if (isPostgres(repository, name))
    return {
      is: 'postgres',
      vendor: /bitnami/.test(repository) ? 'bitnami' : 'official',
      major: majorIn(tag),
    }
  const engine = otherEngines.find(([pattern]) => pattern.test(name))?.[1]
  if (engine !== undefined) return { is: 'other-database', engine }
  if (
    /^(?:redis|redis-stack.*|valkey|keydb|dragonfly|memcached|rabbitmq|nats|kafka|zookeeper|minio|meilisearch|elasticsearch|opensearch|typesense|qdrant|etcd|consul)$/.test(
      name,
    )
  )
    return { is: 'cache' }
  if (/^(?:nginx|caddy|traefik|haproxy|envoy|nginx-proxy|apache|httpd|swag|nginx-proxy-manager)$/.test(name))
    return { is: 'proxy' }
  return null
}

const otherEngines: readonly (readonly [RegExp, string])[] = [
  [/^(?:mysql|mysql-server|percona|percona-server)$/, 'MySQL'],
  [/^(?:mariadb|mariadb-galera)$/, 'MariaDB'],
  [/^(?:mongo|mongodb|mongodb-community-server|ferretdb)$/, 'MongoDB'],
  [/^(?:mssql|azure-sql-edge)$|mssql/, 'SQL Server'],
  [
    /^(?:cockroach|yugabyte|clickhouse|clickhouse-server|couchdb|cassandra|neo4j|influxdb|oracle.*)$/,
    'another database',
  ],
]

/** `postgres` itself, and images built on it that initialise themselves in the same way. */
const isPostgres = (repository: string, name: string): boolean =>
  /^(?:postgres|postgresql|postgresql-repmgr|postgis|pgvector|timescaledb|timescaledb-ha|timescaledb-postgis|citus|paradedb|pgvecto-rs|vectorchord-postgres|postgres-pgvector|spilo.*)$/.test(
    name,
  ) ||
  /^postgres(?:ql)?[-_]/.test(name) ||
  /(?:^|\/)immich-app\/postgres/.test(repository)

function partsOf(image: string): { repository: string; name: string; tag: string } {
  const [plain = ''] = image.toLowerCase().split('@')
  const [, repository = plain, tag = ''] = /^(.*?)(?::([^:/]+))?$/.exec(plain) ?? []
  return { repository, name: repository.split('/').at(-1) ?? repository, tag }
}

/** `16`, `16.4-alpine`, `pg16`, `2.17-pg16`, `latest-pg17`, `14-vectorchord0.4.3`. */
function majorIn(tag: string): number | null {
  const major = /(?:^|[-.])pg(\d{1,2})(?!\d)/.exec(tag)?.[1] ?? /^v?(\d{1,2})(?![\d])/.exec(tag)?.[1]
  const number = Number(major)
  return major === undefined || number < 8 ? null : number
}
