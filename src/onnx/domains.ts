// Names of operators across domains: how a model names them, and which version of each domain it means.

export const normalizeDomain = (domain: string | undefined): string => (domain === 'ai.onnx' ? '' : (domain ?? ''));
export const functionKey = (domain: string, name: string, overload: string): string => `${domain}:${name}:${overload}`;

export function opsetVersions(
  imports: readonly { readonly domain?: string; readonly version?: bigint }[],
  inherited: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  const versions = new Map(inherited);
  for (const { domain, version } of imports) versions.set(normalizeDomain(domain), Number(version ?? 1n));
  return versions;
}
