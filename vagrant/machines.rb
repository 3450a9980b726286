# The [[vagrant]] tables of kernels.toml. Vagrant's Ruby has no TOML reader, and this part of the file needs none: in these tables
# a value is a string without escapes, an array of such strings on one line, a whole number, or true or false.

MACHINE_KEYS = %w[name box python packages kernel_package special].freeze

def machines(path)
  rows = []
  table = nil
  File.foreach(path, encoding: "UTF-8").with_index(1) do |line, number|
    case line.strip
    when /\A\[\[vagrant\]\]\s*(#.*)?\z/
      rows << (table = {})
    when /\A\[/
      table = nil
    when "", /\A#/
      next
    when /\A([A-Za-z0-9_-]+)\s*=\s*(.*)\z/
      next if table.nil?

      key = Regexp.last_match(1)
      raise "#{path}:#{number}: unknown key #{key}; a machine has #{MACHINE_KEYS.join(", ")}" unless MACHINE_KEYS.include?(key)

      table[key] = machine_value(Regexp.last_match(2)) { |text| raise "#{path}:#{number}: cannot read #{text}" }
    else
      # Another kind of table may go over several lines; it is none of this file's business.
      raise "#{path}:#{number}: cannot read #{line.strip}" unless table.nil?
    end
  end
  rows.each do |row|
    %w[name box python].each { |key| raise "#{path}: machine #{row["name"] || "without a name"} has no #{key}" unless row[key] }
  end
  rows
end

def machine_value(text)
  string = /"[^"\\]*"/
  case text
  when /\A(#{string})\s*(#.*)?\z/ then Regexp.last_match(1)[1..-2]
  when /\A\[\s*((#{string}\s*,\s*)*(#{string})?)\s*,?\s*\]\s*(#.*)?\z/ then Regexp.last_match(1).scan(string).map { |item| item[1..-2] }
  when /\A(\d+)\s*(#.*)?\z/ then Integer(Regexp.last_match(1))
  when /\A(true|false)\s*(#.*)?\z/ then Regexp.last_match(1) == "true"
  else yield text
  end
end
