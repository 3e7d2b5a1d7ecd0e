if vim.g.loaded_missy then
  return
end
vim.g.loaded_missy = true

vim.api.nvim_create_user_command('Missy', function(options)
  require('missy').run(options)
end, {
  nargs = '*',
  range = true,
  desc = 'Ask Claude, run a code action, decide on a change',
  complete = function(lead, line)
    return require('missy').complete(lead, line)
  end,
})

local mapped = { 'ask', 'follow', 'edit', 'action', 'explain', 'accept', 'discard', 'retry', 'diff', 'stop', 'last', 'chat', 'providers', 'usage' }
for _, name in ipairs(mapped) do
  -- From Visual mode `:` puts the range before the command, so that the selected lines go along.
  vim.keymap.set({ 'n', 'x' }, ('<Plug>(missy-%s)'):format(name), (':Missy %s<CR>'):format(name), {
    silent = true,
    desc = 'Missy: ' .. name,
  })
end
