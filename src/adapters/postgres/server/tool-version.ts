/** `17.11` of `pg_dump (PostgreSQL) 17.11 (Debian 17.11-0+deb13u1)`; `0` of anything else. */
export const versionIn = (text: string): string => /\(PostgreSQL\) (\S+)/.exec(text)?.[1] ?? '0'
