local M = {}

function M.check()
  local health = vim.health
  health.start('missy')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim ' .. tostring(vim.version()))
  else
    health.error('Neovim 0.11 or newer is needed')
  end
  local command = (vim.lsp.config.missy or {}).cmd
  local server = type(command) == 'table' and command[1] or 'missy-lsp'
  if vim.fn.executable(server) == 1 then
    health.ok(('%s: %s'):format(server, vim.trim(vim.fn.system({ server, '--version' }))))
  else
    health.error(server .. ' is not on PATH', { 'Install it: uv tool install --compile-bytecode missy-lsp' })
  end
  if not vim.lsp.is_enabled('missy') then
    health.warn('the server is not enabled', { "Add to your init.lua: vim.lsp.enable('missy')" })
  end
  local client = vim.lsp.get_clients({ name = 'missy' })[1]
  if not client then
    return health.info('the server does not run yet; it starts with the first file')
  end
  local response = client:request_sync('workspace/executeCommand', { command = 'missy.listProviders', arguments = {} }, 5000, 0)
  for _, provider in ipairs(response and response.result or {}) do
    if provider.available then
      health.ok(('%s: available (%s)'):format(provider.name, provider.model))
    else
      health.warn(('%s: unavailable (%s)'):format(provider.name, provider.reason))
    end
  end
end

return M
