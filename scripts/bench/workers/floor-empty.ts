// Floor: what the runtime takes for a request and an empty answer. Nothing can be cheaper.

export default { fetch: () => new Response(null, { status: 204 }) } satisfies ExportedHandler;
